#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mqtt_linkd/bytes.hpp"
#include "mqtt_linkd/time.hpp"

// The bytes of queue/FORMAT.md.
namespace linkd::queue {

inline constexpr std::uint32_t format_version = 1;
inline constexpr std::size_t segment_header_bytes = 64;
inline constexpr std::size_t segment_header_copy_at = 512;
inline constexpr std::size_t records_at = 1024;  // the first record of a segment
inline constexpr std::size_t record_header_bytes = 32;
inline constexpr std::size_t record_alignment = 8;
inline constexpr std::uint64_t segment_bytes_min = 64u << 10;
inline constexpr std::uint64_t segment_bytes_max = 8u << 20;

struct segment_header {
  std::uint32_t version = format_version;
  std::uint64_t log_id = 0;
  std::uint64_t number = 0;
  std::uint64_t first_offset = 0;
  std::uint64_t body_bytes_before = 0;
  std::uint64_t first_captured_ms = 0;
  bool operator==(const segment_header&) const = default;
};

// Everything before the first record: both copies and zeros.
bytes encode(const segment_header& header);

enum class header_state { good, zero, bad };
// Reads the first good copy out of the first `records_at` bytes of a file.
header_state decode(bytes_view front, segment_header& into);

struct record_header {
  std::uint32_t length = 0;
  std::uint64_t offset = 0;
  std::uint64_t captured_ms = 0;
  std::uint32_t body_crc = 0;
  std::uint32_t index_in_commit = 0;
  bool operator==(const record_header&) const = default;
};

// From one record's header to the next.
constexpr std::uint64_t record_stride(std::uint64_t body_bytes) {
  return (record_header_bytes + body_bytes + record_alignment - 1) / record_alignment *
         record_alignment;
}

// Header, body and padding of a record at the end of `out`; fills in length and crc of the body.
void append_record(bytes& out, std::uint64_t log_id, record_header header, bytes_view body);
// What stands in the first `record_header_bytes` of `in`; none if the checksum is wrong.
std::optional<record_header> decode_record_header(bytes_view in, std::uint64_t log_id);
// The same of what append_record() wrote.
record_header unchecked_record_header(bytes_view in);

// An id the queue had. Below `end` an offset names the same record under the id of today.
struct former_id {
  std::uint64_t id = 0;
  std::uint64_t end = 0;
  bool operator==(const former_id&) const = default;
};

struct checkpoint {
  static constexpr std::uint32_t closed = 1, unsynced = 2;
  static constexpr std::size_t former_max = 16;
  std::uint32_t flags = 0;
  std::uint64_t log_id = 0;
  std::uint64_t queue_id = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::vector<former_id> former{};  // the oldest first
  bool operator==(const checkpoint&) const = default;

  // From `end` on offsets may name other records than they did.
  void rename(std::uint64_t fresh_id, std::uint64_t end_of_former);
};

bytes encode(const checkpoint& value);
// None: another version or length, or begin behind end.
std::optional<checkpoint> decode_checkpoint(bytes_view in);

// "0000000042.seg" and back; none if the name is not one of ours.
std::string segment_name(std::uint64_t number);
std::optional<std::uint64_t> segment_number(const std::string& name);

inline stamp stamp_of(std::uint64_t ms) {
  return stamp(milliseconds(static_cast<long>(ms)));
}
inline std::uint64_t ms_of(stamp when) {
  return static_cast<std::uint64_t>(when.time_since_epoch().count());
}

}  // namespace linkd::queue

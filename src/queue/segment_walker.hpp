#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "mqtt_linkd/ports/storage.hpp"
#include "queue/format.hpp"

namespace linkd::queue {

// How far a segment may be read: records below `offset`, bytes below `position`.
struct walk_end {
  std::uint64_t offset = 0;
  std::uint64_t position = 0;
};

// Goes over the records of one segment, front to back, through a small buffer. Where nothing checks
// out it looks for the next good record (queue/FORMAT.md, "Resynchronization").
class segment_walker {
 public:
  // Starts at `position`, where the record with `offset` is expected. `body_bytes` stand before it
  // in this segment.
  segment_walker(std::shared_ptr<file> source, std::uint64_t number, std::uint64_t log_id,
                 std::uint64_t offset, std::uint64_t position = records_at,
                 std::uint64_t body_bytes = 0)
      : source_(std::move(source)),
        number_(number),
        log_id_(log_id),
        offset_(offset),
        position_(position),
        body_bytes_(body_bytes) {}
  segment_walker(const segment_walker&) = delete;
  segment_walker& operator=(const segment_walker&) = delete;

  // Another one, at the same place of the same file.
  [[nodiscard]] std::unique_ptr<segment_walker> fork() const {
    return std::make_unique<segment_walker>(source_, number_, log_id_, offset_, position_,
                                            body_bytes_);
  }

  enum class outcome {
    record,     // current() is the next good one; offsets from offset() up to its own are lost
    end,        // none is left; offsets from offset() up to the end are lost
    unreadable  // the disk does not answer; nothing is known
  };
  // Looks for the next record. `with_body`: its body must check out too; otherwise it is neither
  // read nor checked.
  outcome peek(walk_end end, bool with_body);

  struct record {
    record_header header;
    std::uint64_t position = 0;
    bytes_view body;  // valid until the next peek(); empty without `with_body`
  };
  [[nodiscard]] const record& current() const { return *current_; }
  // Goes past current().
  void pop();

  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }          // expected next
  [[nodiscard]] std::uint64_t position() const { return position_; }      // behind the last popped
  [[nodiscard]] std::uint64_t body_bytes() const { return body_bytes_; }  // before offset()

 private:
  // The buffered bytes from `position` on, at least `bytes_min` unless the end comes first. None:
  // unreadable.
  std::optional<bytes_view> view(std::uint64_t position, std::uint64_t bytes_min,
                                 std::uint64_t end);
  bool fill(std::uint64_t position, std::uint64_t size);
  bool fill_by_blocks();

  std::shared_ptr<file> source_;
  std::uint64_t number_, log_id_, offset_, position_, body_bytes_;
  std::optional<record> current_;
  bool has_body_ = false;
  bytes buffer_;
  std::uint64_t buffer_at_ = 0;
};

}  // namespace linkd::queue

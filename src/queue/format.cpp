#include "queue/format.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/coding.hpp"
#include "base/crc32c.hpp"

namespace linkd::queue {
namespace {

constexpr bytes_view segment_magic = "linkdseg";
constexpr std::size_t number_digits = 10;
constexpr bytes_view segment_suffix = ".seg";

bytes encode_once(const segment_header& header) {
  bytes out(segment_magic);
  put_le(out, header.version);
  put_le(out, std::uint32_t{0});
  put_le(out, header.log_id);
  put_le(out, header.number);
  put_le(out, header.first_offset);
  put_le(out, header.body_bytes_before);
  put_le(out, header.first_captured_ms);
  put_le(out, std::uint32_t{0});
  put_le(out, crc32c(out));
  return out;
}

bool decode_once(bytes_view in, segment_header& into) {
  constexpr auto crc_at = segment_header_bytes - sizeof(std::uint32_t);
  if (!in.starts_with(segment_magic)) return false;
  if (get_le<std::uint32_t>(in.substr(crc_at)) != crc32c(in.substr(0, crc_at))) return false;
  into.version = get_le<std::uint32_t>(in.substr(8));
  into.log_id = get_le<std::uint64_t>(in.substr(16));
  into.number = get_le<std::uint64_t>(in.substr(24));
  into.first_offset = get_le<std::uint64_t>(in.substr(32));
  into.body_bytes_before = get_le<std::uint64_t>(in.substr(40));
  into.first_captured_ms = get_le<std::uint64_t>(in.substr(48));
  return true;
}

// `header` is the record's without its first four bytes.
std::uint32_t record_crc(std::uint64_t log_id, bytes_view header) {
  std::array<char, sizeof log_id + record_header_bytes - sizeof(std::uint32_t)> covered;
  const auto rest = std::ranges::copy(to_le(log_id), covered.begin()).out;
  std::ranges::copy(header, rest);
  return crc32c({covered.data(), covered.size()});
}

}  // namespace

bytes encode(const segment_header& header) {
  const auto once = encode_once(header);
  bytes out = once;
  out.resize(segment_header_copy_at, '\0');
  out += once;
  out.resize(records_at, '\0');
  return out;
}

header_state decode(bytes_view front, segment_header& into) {
  bool zero = true;
  for (const auto at : {std::size_t{0}, segment_header_copy_at}) {
    if (front.size() < at + segment_header_bytes) break;
    const auto copy = front.substr(at, segment_header_bytes);
    if (decode_once(copy, into)) return header_state::good;
    zero = zero && copy.find_first_not_of('\0') == bytes_view::npos;
  }
  return zero ? header_state::zero : header_state::bad;
}

void append_record(bytes& out, std::uint64_t log_id, record_header header, bytes_view body) {
  const auto begin = out.size();
  put_le(out, std::uint32_t{0});  // the checksum of what follows
  put_le(out, static_cast<std::uint32_t>(body.size()));
  put_le(out, header.offset);
  put_le(out, header.captured_ms);
  put_le(out, crc32c(body));
  put_le(out, header.index_in_commit);
  const auto crc = to_le(record_crc(log_id, bytes_view(out).substr(begin + sizeof(std::uint32_t))));
  out.replace(begin, crc.size(), crc.data(), crc.size());
  out += body;
  out.resize(begin + record_stride(body.size()), '\0');
}

std::optional<record_header> decode_record_header(bytes_view in, std::uint64_t log_id) {
  if (in.size() < record_header_bytes) return std::nullopt;
  if (get_le<std::uint32_t>(in) != record_crc(log_id, in.substr(4, record_header_bytes - 4)))
    return std::nullopt;
  return unchecked_record_header(in);
}

record_header unchecked_record_header(bytes_view in) {
  record_header header;
  header.length = get_le<std::uint32_t>(in.substr(4));
  header.offset = get_le<std::uint64_t>(in.substr(8));
  header.captured_ms = get_le<std::uint64_t>(in.substr(16));
  header.body_crc = get_le<std::uint32_t>(in.substr(24));
  header.index_in_commit = get_le<std::uint32_t>(in.substr(28));
  return header;
}

bytes encode(const checkpoint& value) {
  bytes out;
  put_le(out, format_version);
  put_le(out, value.flags);
  put_le(out, value.log_id);
  put_le(out, value.queue_id);
  put_le(out, value.begin);
  put_le(out, value.end);
  for (const auto& each : value.former) {
    put_le(out, each.id);
    put_le(out, each.end);
  }
  return out;
}

std::optional<checkpoint> decode_checkpoint(bytes_view in) {
  constexpr std::size_t fixed_bytes = 40, former_bytes = 16;
  if (in.size() < fixed_bytes || (in.size() - fixed_bytes) % former_bytes != 0 ||
      (in.size() - fixed_bytes) / former_bytes > checkpoint::former_max ||
      get_le<std::uint32_t>(in) != format_version)
    return std::nullopt;
  checkpoint value;
  value.flags = get_le<std::uint32_t>(in.substr(4));
  value.log_id = get_le<std::uint64_t>(in.substr(8));
  value.queue_id = get_le<std::uint64_t>(in.substr(16));
  value.begin = get_le<std::uint64_t>(in.substr(24));
  value.end = get_le<std::uint64_t>(in.substr(32));
  if (value.begin > value.end) return std::nullopt;
  for (in.remove_prefix(fixed_bytes); !in.empty(); in.remove_prefix(former_bytes))
    value.former.push_back({get_le<std::uint64_t>(in), get_le<std::uint64_t>(in.substr(8))});
  return value;
}

void checkpoint::rename(std::uint64_t fresh_id, std::uint64_t end_of_former) {
  if (former.size() == former_max) former.erase(former.begin());
  former.push_back({queue_id, end_of_former});
  queue_id = fresh_id;
}

std::string segment_name(std::uint64_t number) {
  const auto digits = std::to_string(number);
  return std::string(number_digits - std::min(number_digits, digits.size()), '0') + digits +
         std::string(segment_suffix);
}

std::optional<std::uint64_t> segment_number(const std::string& name) {
  if (name.size() != number_digits + segment_suffix.size() || !name.ends_with(segment_suffix))
    return std::nullopt;
  std::uint64_t number = 0;
  const auto* const end = name.data() + number_digits;
  if (const auto parsed = std::from_chars(name.data(), end, number);
      parsed.ec != std::errc{} || parsed.ptr != end)
    return std::nullopt;
  return number;
}

}  // namespace linkd::queue

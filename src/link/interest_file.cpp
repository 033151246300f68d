#include "link/interest_file.hpp"

#include <cstdint>

#include "base/coding.hpp"
#include "base/crc32c.hpp"
#include "topic/topic.hpp"

namespace linkd::link {
namespace {

constexpr bytes_view magic = "LKI1";

error corrupt(const char* what) {
  return {errc::corrupt, std::string("interest file: ") + what};
}

}  // namespace

bytes encode_interest(const saved_interest& what) {
  bytes out(magic);
  put_le<std::uint64_t>(out, static_cast<std::uint64_t>(what.last_seen.time_since_epoch().count()));
  put_le<std::uint32_t>(out, static_cast<std::uint32_t>(what.filters.size()));
  for (const std::string& filter : what.filters) {
    put_le<std::uint16_t>(out, static_cast<std::uint16_t>(filter.size()));
    out += filter;
  }
  put_le<std::uint32_t>(out, crc32c(out));
  return out;
}

result<saved_interest> decode_interest(bytes_view content) {
  if (content.size() < magic.size() + 16 || !content.starts_with(magic)) return corrupt("not one");
  const bytes_view body = content.substr(0, content.size() - 4);
  if (get_le<std::uint32_t>(content.substr(body.size())) != crc32c(body))
    return corrupt("bad checksum");
  bytes_view rest = body.substr(magic.size());
  saved_interest what;
  what.last_seen = stamp(milliseconds(static_cast<std::int64_t>(*take_le<std::uint64_t>(rest))));
  const std::uint32_t count = *take_le<std::uint32_t>(rest);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto length = take_le<std::uint16_t>(rest);
    if (!length || rest.size() < *length) return corrupt("ends early");
    what.filters.emplace_back(rest.substr(0, *length));
    rest.remove_prefix(*length);
    if (const auto valid = topic::check_filter(what.filters.back()); !valid) return valid.error();
  }
  if (!rest.empty()) return corrupt("bytes after the last filter");
  return what;
}

}  // namespace linkd::link

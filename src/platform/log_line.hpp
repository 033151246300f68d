#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "mqtt_linkd/settings.hpp"

namespace linkd::platform {

// One log event before it is text. The fields may hold anything: topics and reasons come from
// peers.
struct log_record {
  std::chrono::system_clock::time_point time;
  log_level level = log_level::info;
  std::string_view event;
  std::string_view link;  // empty: none
  std::string_view text;
};

// No line is longer, its newline not counted; what is cut ends in "...".
inline constexpr std::size_t log_line_bytes_max = 1024;

// "2026-11-22T18:00:00.123Z info link_up link=london text" or one JSON object with the keys time,
// level, event, link, text. Time is UTC (RFC 3339). One line of printable UTF-8 in either case:
// control characters, ESC, bidirectional controls, line separators and bytes that are not UTF-8 are
// escaped, so that nobody writes a second line or hides one.
std::string format_line(log_format format, const log_record& record);

}  // namespace linkd::platform

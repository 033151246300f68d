#include "platform/log_line.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>

#include "base/utf8.hpp"

namespace linkd::platform {

namespace {

constexpr std::size_t event_bytes_max = 64;
constexpr std::size_t link_bytes_max = 128;
constexpr std::string_view cut_mark = "...";

struct character {
  std::uint32_t code_point = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

// The first character of a text that is not empty.
character first_character(std::string_view text) {
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = utf8_length(text);
  if (length <= 1) return {byte_at(0), 1, length == 1};
  std::uint32_t code_point = byte_at(0) & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) code_point = code_point << 6 | (byte_at(i) & 0x3fu);
  return {code_point, length, true};
}

bool is_harmless(std::uint32_t c) {
  const bool control = c < 0x20 || (c >= 0x7f && c <= 0x9f);
  const bool separator = c == 0x2028 || c == 0x2029;
  const bool bidirectional = c == 0x061c || c == 0x200e || c == 0x200f ||
                             (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return !control && !separator && !bidirectional && c != 0xfeff;
}

std::string print(const char* format, unsigned value) {
  char buffer[16];
  std::snprintf(buffer, sizeof(buffer), format, value);
  return buffer;
}

std::string escape(log_format format, const character& c, std::string_view raw) {
  const bool json = format == log_format::json;
  if (!c.valid) return json ? "\\ufffd" : print("\\x%02x", c.code_point);
  if (c.code_point == '\\') return "\\\\";
  if (json && c.code_point == '"') return "\\\"";
  if (is_harmless(c.code_point)) return std::string(raw);
  if (c.code_point == '\n') return "\\n";
  return print("\\u%04x", c.code_point);
}

// Appends `field` in at most `bytes_max` bytes, whole escapes only.
void append(std::string& line, log_format format, std::string_view field, std::size_t bytes_max) {
  const std::size_t end_max = line.size() + bytes_max;
  std::size_t cut_at = line.size();  // the last place where the mark still fits
  while (!field.empty()) {
    const character c = first_character(field);
    const std::string shown = escape(format, c, field.substr(0, c.bytes));
    if (line.size() + shown.size() > end_max) {
      line.resize(cut_at);
      line += cut_mark;
      return;
    }
    line += shown;
    if (line.size() + cut_mark.size() <= end_max) cut_at = line.size();
    field.remove_prefix(c.bytes);
  }
}

std::string rfc3339(std::chrono::system_clock::time_point time) {
  const auto since_1970 = std::chrono::floor<milliseconds>(time.time_since_epoch());
  const std::time_t second = std::chrono::floor<seconds>(since_1970).count();
  std::tm utc{};
  ::gmtime_r(&second, &utc);
  char date[32];
  const std::size_t length = std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
  return std::string(date, length) +
         print(".%03uZ", static_cast<unsigned>((since_1970 - seconds(second)).count()));
}

std::string_view level_name(log_level level) {
  switch (level) {
    case log_level::trace:
      return "trace";
    case log_level::debug:
      return "debug";
    case log_level::info:
      return "info";
    case log_level::warning:
      return "warning";
    case log_level::error:
      return "error";
  }
  return "error";
}

}  // namespace

std::string format_line(log_format format, const log_record& record) {
  const bool json = format == log_format::json;
  std::string line = json ? "{\"time\":\"" : "";
  line += rfc3339(record.time);
  line += json ? "\",\"level\":\"" : " ";
  line += level_name(record.level);
  line += json ? "\",\"event\":\"" : " ";
  append(line, format, record.event, event_bytes_max);
  if (!record.link.empty()) {
    line += json ? "\",\"link\":\"" : " link=";
    append(line, format, record.link, link_bytes_max);
  }
  if (!json && record.text.empty()) return line;
  line += json ? "\",\"text\":\"" : " ";
  const std::string_view end = json ? "\"}" : "";
  append(line, format, record.text, log_line_bytes_max - line.size() - end.size());
  line += end;
  return line;
}

}  // namespace linkd::platform

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <sstream>

#include "platform/log_line.hpp"
#include "platform/spdlog_logger.hpp"
#include "tests/support/environment_variable.hpp"

using namespace linkd;
using platform::format_line;
using platform::log_record;
using test::environment_variable;

namespace {

// 2026-11-22T18:00:00.123Z
constexpr std::chrono::system_clock::time_point moment{milliseconds(1'795'370'400'123)};

std::string text_of(std::string_view text) {
  const std::string line =
      format_line(log_format::text, {moment, log_level::info, "event", "", text});
  const std::string head = "2026-11-22T18:00:00.123Z info event ";
  REQUIRE(line.starts_with(head));
  return line.substr(head.size());
}

std::string json_of(std::string_view text) {
  const std::string line =
      format_line(log_format::json, {moment, log_level::info, "event", "", text});
  const std::string head =
      R"({"time":"2026-11-22T18:00:00.123Z","level":"info","event":"event","text":")";
  REQUIRE(line.starts_with(head));
  REQUIRE(line.ends_with("\"}"));
  return line.substr(head.size(), line.size() - head.size() - 2);
}

std::string zeroed(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }, '0');
  return text;
}

struct open_file {
  std::FILE* stream = std::tmpfile();
  ~open_file() { std::fclose(stream); }
  std::string content() const {
    std::rewind(stream);
    std::string all;
    std::array<char, 4096> part;
    while (const std::size_t got = std::fread(part.data(), 1, part.size(), stream)) {
      all.append(part.data(), got);
    }
    return all;
  }
};

}  // namespace

TEST_CASE("log: a text line has time, level, event, link and text", "[platform]") {
  const log_record record{moment, log_level::warning, "link_down", "london", "no route to host"};
  CHECK(format_line(log_format::text, record) ==
        "2026-11-22T18:00:00.123Z warning link_down link=london no route to host");
  CHECK(format_line(log_format::json, record) ==
        R"({"time":"2026-11-22T18:00:00.123Z","level":"warning","event":"link_down",)"
        R"("link":"london","text":"no route to host"})");
}

TEST_CASE("log: without link and text nothing stands in their place", "[platform]") {
  CHECK(format_line(log_format::text, {moment, log_level::error, "stopped", "", ""}) ==
        "2026-11-22T18:00:00.123Z error stopped");
}

TEST_CASE("log: what could forge or hide a line is escaped", "[platform]") {
  CHECK(text_of("a\n[critical] fake") == R"(a\n[critical] fake)");
  CHECK(text_of("\r\t\x1b[2J\x7f") == R"(\u000d\u0009\u001b[2J\u007f)");
  CHECK(text_of(std::string_view("nul\0", 4)) == R"(nul\u0000)");
  CHECK(text_of("\xe2\x80\xae"
                "abc") == R"(\u202eabc)");
  CHECK(text_of("\xe2\x81\xa6\xe2\x80\xa8\xc2\x85\xef\xbb\xbf") == R"(\u2066\u2028\u0085\ufeff)");
  CHECK(text_of(R"(back\n)") == R"(back\\n)");
  CHECK(json_of("quote\" back\\ new\n") == R"(quote\" back\\ new\n)");
}

TEST_CASE("log: harmless UTF-8 stays, other bytes are shown as such", "[platform]") {
  const std::string good = "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80";
  CHECK(text_of(good) == good);
  CHECK(json_of(good) == good);
  // A stray continuation, an overlong slash, a surrogate, over U+10FFFF, a cut-off character.
  CHECK(text_of("\x80") == R"(\x80)");
  CHECK(text_of("\xc0\xaf") == R"(\xc0\xaf)");
  CHECK(text_of("\xe0\x80\xaf") == R"(\xe0\x80\xaf)");
  CHECK(text_of("\xed\xa0\x80") == R"(\xed\xa0\x80)");
  CHECK(text_of("\xf4\x90\x80\x80") == R"(\xf4\x90\x80\x80)");
  CHECK(text_of("\xe2\x82") == R"(\xe2\x82)");
  CHECK(json_of("\xe2\x82") == R"(\ufffd\ufffd)");
}

TEST_CASE("log: no line is longer than 1 KiB, and a cut is marked", "[platform]") {
  const auto format = GENERATE(log_format::text, log_format::json);
  const std::string fill = GENERATE("x", "\xe2\x82\xac", "\n", "\"", "\xff");
  std::string field;
  while (field.size() < 5000) field += fill;
  const std::string line = format_line(format, {moment, log_level::info, field, field, field});
  CHECK(line.size() <= platform::log_line_bytes_max);
  CHECK(line.size() > platform::log_line_bytes_max - 16);
  CHECK(line.ends_with(format == log_format::json ? "...\"}" : "..."));
  CHECK(std::none_of(line.begin(), line.end(), [](unsigned char c) { return c < 0x20; }));
}

TEST_CASE("log: a text that just fits is not cut", "[platform]") {
  const std::size_t room = platform::log_line_bytes_max - 36;
  CHECK(text_of(std::string(room, 'x')) == std::string(room, 'x'));
  CHECK(text_of(std::string(room + 1, 'x')) == std::string(room - 3, 'x') + "...");
}

TEST_CASE("log: writes from the level on that is set, and follows a change", "[platform]") {
  const environment_variable no_journal("JOURNAL_STREAM", std::nullopt);
  const open_file out;
  platform::spdlog_logger logger({log_level::info, log_format::text}, out.stream);
  logger.write(log_level::debug, "hidden", "", "");
  logger.write(log_level::info, "shown", "london", "100% {} of it");
  logger.configure({log_level::debug, log_format::json});
  logger.write(log_level::debug, "also_shown", "", "");
  logger.configure({log_level::error, log_format::text});
  logger.write(log_level::warning, "hidden", "", "");
  // The time of day is the machine's: its digits are made equal.
  const std::string content = out.content();
  std::istringstream lines(content);
  std::string shown, also_shown, nothing;
  std::getline(lines, shown);
  std::getline(lines, also_shown);
  INFO(content);
  CHECK_FALSE(std::getline(lines, nothing));
  const std::string time = zeroed(shown.substr(0, 24));
  CHECK(time == "0000-00-00T00:00:00.000Z");
  CHECK(shown.substr(24) == " info shown link=london 100% {} of it");
  CHECK(also_shown.starts_with(R"({"time":")"));
  CHECK(also_shown.ends_with(R"(Z","level":"debug","event":"also_shown","text":""})"));
}

TEST_CASE("log: lines for the journal carry their priority", "[platform]") {
  const open_file out;
  struct stat found {};
  REQUIRE(::fstat(::fileno(out.stream), &found) == 0);
  const environment_variable journal(
      "JOURNAL_STREAM", std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino));
  platform::spdlog_logger logger({log_level::trace, log_format::text}, out.stream);
  for (const auto level : {log_level::trace, log_level::debug, log_level::info, log_level::warning,
                           log_level::error}) {
    logger.write(level, "event", "", "");
  }
  std::istringstream lines(out.content());
  std::string prefixes;
  for (std::string line; std::getline(lines, line);) prefixes += line.substr(0, 3);
  CHECK(prefixes == "<7><7><6><4><3>");
}

TEST_CASE("log: a stream that is not the journal's gets no priority", "[platform]") {
  const environment_variable other("JOURNAL_STREAM", "1:2");
  const open_file out;
  platform::spdlog_logger logger({}, out.stream);
  logger.write(log_level::info, "event", "", "");
  CHECK(out.content().starts_with("2"));
}

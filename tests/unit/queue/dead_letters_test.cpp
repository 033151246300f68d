#include "queue/dead_letters.hpp"

#include <catch2/catch.hpp>

#include "mqtt_linkd/limits.hpp"
#include "tests/support/memory_storage.hpp"

namespace linkd::queue {
namespace {

dead_letters open(storage& disk) {
  auto opened = dead_letters::open(disk, "dead-letters");
  REQUIRE(opened.has_value());
  return *opened;
}

dead_letters::letter some_letter() {
  return {stamp(milliseconds(1'700'000'000'000)), "0x87 not authorized", "a/b", 1, false, "hello"};
}

bytes first_file(const test::memory_storage& disk) {
  return disk.contents("dead-letters/0000000001.jsonl");
}

TEST_CASE("dead letters: one line a letter, as documented") {
  test::memory_storage disk;
  auto letters = open(disk);
  REQUIRE(letters.append(some_letter()).has_value());
  const bytes golden =
      R"({"time_ms":1700000000000,"reason":"0x87 not authorized","topic":"a/b","qos":1,)"
      R"("retain":false,"payload_bytes":5,"payload":"aGVsbG8="})"
      "\n";
  CHECK(first_file(disk) == golden);
  REQUIRE(letters.append(some_letter()).has_value());
  CHECK(first_file(disk) == golden + golden);
}

TEST_CASE("dead letters: nothing in a topic or reason breaks the line") {
  test::memory_storage disk;
  auto letters = open(disk);
  auto nasty = some_letter();
  nasty.reason = bytes("\"\\\n\0\x7f", 5);
  nasty.topic =
      "\xc3\xa4/\xe2\x82\xac/\xf0\x9f\x98\x80/\xff/\xc0\x80/\xed\xa0\x80/\xf4\x90\x80\x80/\xc3";
  nasty.payload = "";
  REQUIRE(letters.append(nasty).has_value());
  CHECK(first_file(disk) ==
        "{\"time_ms\":1700000000000,\"reason\":\"\\\"\\\\\\u000a\\u0000\\u007f\",\"topic\":\""
        "\xc3\xa4/\xe2\x82\xac/\xf0\x9f\x98\x80/\\ufffd/\\ufffd\\ufffd/\\ufffd\\ufffd\\ufffd/"
        "\\ufffd\\ufffd\\ufffd\\ufffd/\\ufffd\",\"qos\":1,\"retain\":false,\"payload_bytes\":0,"
        "\"payload\":\"\"}\n");
}

TEST_CASE("dead letters: payloads of every length come out in base64, long ones cut") {
  const std::vector<std::pair<bytes, bytes>> vectors{// RFC 4648, section 10
                                                     {"f", "Zg=="},
                                                     {"fo", "Zm8="},
                                                     {"foo", "Zm9v"},
                                                     {"foob", "Zm9vYg=="},
                                                     {"fooba", "Zm9vYmE="},
                                                     {"foobar", "Zm9vYmFy"},
                                                     {"\xff\xff\xff\xbf", "////vw=="}};
  for (const auto& [payload, encoded] : vectors) {
    test::memory_storage disk;
    auto letter = some_letter();
    letter.payload = payload;
    REQUIRE(open(disk).append(letter).has_value());
    CHECK(first_file(disk).find("\"payload\":\"" + encoded + "\"}\n") != bytes::npos);
  }
  test::memory_storage disk;
  auto letter = some_letter();
  letter.payload.assign(1'000'000, 'x');
  REQUIRE(open(disk).append(letter).has_value());
  CHECK(first_file(disk).find("\"payload_bytes\":1000000,") != bytes::npos);
  CHECK(first_file(disk).size() < 2 * limits::dead_letter_payload_bytes_max);
}

TEST_CASE("dead letters: the oldest file goes first, over restarts too") {
  test::memory_storage disk;
  auto letter = some_letter();
  letter.payload.assign(limits::dead_letter_payload_bytes_max, 'x');
  for (int life = 0; life < 10; ++life) {
    auto letters = open(disk);
    for (int i = 0; i < 50; ++i) {
      REQUIRE(letters.append(letter).has_value());
      CHECK(disk.used_bytes() <= limits::dead_letter_bytes_max);
    }
  }
  CHECK(disk.used_bytes() > limits::dead_letter_bytes_max / 2);
  CHECK(disk.paths().front() != "dead-letters/0000000001.jsonl");
}

TEST_CASE("dead letters: many short lives do not leave many files") {
  test::memory_storage disk;
  for (int life = 0; life < 200; ++life) REQUIRE(open(disk).append(some_letter()).has_value());
  CHECK(disk.paths().size() == 64);
  CHECK(disk.paths().back() == "dead-letters/0000000200.jsonl");
}

TEST_CASE("dead letters: what was appended survives a power cut, and errors are survived") {
  for (std::uint64_t n = 0; n < 1000; ++n) {
    CAPTURE(n);
    test::memory_storage disk;
    auto opened = dead_letters::open(disk, "dead-letters");
    REQUIRE(opened.has_value());
    disk.fail({n, errc::io, false, std::nullopt});
    std::size_t appended = 0;
    for (int i = 0; i < 5; ++i)
      if (opened->append(some_letter())) ++appended;
    CHECK(appended >= 4);
    const bool done = !disk.hit();
    test::seeded_random random(n);
    disk.crash(random);
    std::size_t lines = 0;
    for (const auto& path : disk.paths()) {
      const auto content = disk.contents(path);
      for (auto at = content.find("\"aGVsbG8=\"}\n"); at != bytes::npos;
           at = content.find("\"aGVsbG8=\"}\n", at + 1))
        ++lines;
    }
    CHECK(lines >= appended);
    if (done) break;
  }
}

}  // namespace
}  // namespace linkd::queue

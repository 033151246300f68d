#include <catch2/catch.hpp>

#include "link/interest_file.hpp"

using namespace linkd;
using namespace linkd::link;

namespace {

// link/STATE.md
const bytes golden(
    "\x4c\x4b\x49\x31\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x03\x00\x61\x2f\x23\x01\x00"
    "\x62"
    "\x04\x01\xe2\x12",
    28);

}  // namespace

TEST_CASE("interest file: golden bytes both ways", "[link]") {
  CHECK(encode_interest({stamp(milliseconds(1)), {"a/#", "b"}}) == golden);
  const auto read = decode_interest(golden);
  REQUIRE(read.has_value());
  CHECK(read->last_seen == stamp(milliseconds(1)));
  CHECK(read->filters == std::vector<std::string>{"a/#", "b"});
}

TEST_CASE("interest file: every truncation and every flipped bit is noticed", "[link]") {
  for (std::size_t length = 0; length < golden.size(); ++length) {
    CAPTURE(length);
    CHECK(decode_interest(golden.substr(0, length)).has_error());
  }
  for (std::size_t bit = 0; bit < golden.size() * 8; ++bit) {
    CAPTURE(bit);
    bytes damaged = golden;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    CHECK(decode_interest(damaged).has_error());
  }
}

TEST_CASE("interest file: a filter that is not one is refused even with a good checksum",
          "[link]") {
  CHECK(decode_interest(encode_interest({stamp(), {"a/#/b"}})).has_error());
}

#include "wire/record.hpp"

#include <catch2/catch.hpp>

#include "tests/support/hex.hpp"
#include "tests/support/wire_builders.hpp"

using namespace linkd;
using linkd::test::hex;
using linkd::test::unhex;

namespace {

const stamp captured_at{milliseconds(1'700'000'000'000)};

// As in wire/PROTOCOL.md.
const std::string golden_hex =
    "0105"                        // format version, flags: QoS 1, retain
    "0068e5cf8b010000"            // captured at
    "0003612f62"                  // topic a/b
    "24"                          // property length
    "020000003c"                  // Message Expiry Interval: 60
    "0101"                        // Payload Format Indicator: 1
    "03000a746578742f706c61696e"  // Content Type: text/plain
    "08000172"                    // Response Topic: r
    "0900020102"                  // Correlation Data
    "2600016b000176"              // User Property k: v
    "6869";                       // payload: hi

message golden_message() {
  return {"a/b", "hi", 1, true, {1, 60, "text/plain", "r", "\x01\x02", {{"k", "v"}}}};
}

// A record with these properties in hex and without a payload.
bytes with_properties(const std::string& properties_hex) {
  const bytes properties = unhex(properties_hex);
  return unhex("01000000000000000000000174") + static_cast<char>(properties.size()) + properties;
}

bytes with_topic(const std::string& topic) {
  return wire::encode_record(captured_at, {topic, "", 0, false, {}});
}

bool accepts(const bytes& encoded) {
  return wire::decode_record(encoded).has_value();
}

}  // namespace

TEST_CASE("record: the bytes are those that PROTOCOL.md shows, and come back from them") {
  CHECK(hex(wire::encode_record(captured_at, golden_message())) == golden_hex);
  const auto read = wire::decode_record(unhex(golden_hex));
  REQUIRE(read.has_value());
  CHECK(read->captured_at == captured_at);
  CHECK(read->content == golden_message());
}

TEST_CASE("record: any message comes back as it was, and its head tells the truth") {
  const auto seed = GENERATE(range(1, 301));
  CAPTURE(seed);
  test::random_engine random(static_cast<std::uint64_t>(seed));
  const auto what = test::random_message(random, 3000);
  const auto when = test::random_stamp(random);
  const auto encoded = wire::encode_record(when, what);
  REQUIRE(encoded.size() >= wire::record_bytes_min);
  const auto read = wire::decode_record(encoded);
  REQUIRE(read.has_value());
  CHECK(read->captured_at == when);
  CHECK(read->content == what);

  const auto head = wire::peek_record(encoded);
  REQUIRE(head.has_value());
  CHECK(head->captured_at == when);
  CHECK(head->qos == what.qos);
  CHECK(head->expiry_s == what.properties.message_expiry_interval_s);
  CHECK(head->payload_bytes == what.payload.size());

  auto without = what;
  without.retain = false;
  CHECK(wire::without_retain(encoded) == wire::encode_record(when, without));
}

TEST_CASE("record: cut before its payload it is corrupt") {
  const bytes whole = unhex(golden_hex);
  for (std::size_t size = 0; size < whole.size() - 2; ++size) {
    CAPTURE(size);
    CHECK_FALSE(accepts(whole.substr(0, size)));
    CHECK(wire::peek_record(whole.substr(0, size)).has_error());
  }
}

TEST_CASE("record: with any byte changed it is an error or another valid record") {
  const bytes whole = unhex(golden_hex);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      bytes changed = whole;
      changed[at] = static_cast<char>(value);
      const auto read = wire::decode_record(changed);
      if (read.has_error()) continue;
      const auto again = wire::decode_record(wire::encode_record(read->captured_at, read->content));
      REQUIRE(again.has_value());
      REQUIRE(again->content == read->content);
      REQUIRE(wire::peek_record(changed).has_value());
    }
  }
}

TEST_CASE("record: another format version is told apart from damage") {
  bytes other = unhex(golden_hex);
  other[0] = 2;
  CHECK(wire::decode_record(other).error().code == errc::version);
  CHECK(wire::peek_record(other).error().code == errc::version);
  CHECK(wire::decode_record("").error().code == errc::corrupt);
}

TEST_CASE("record: QoS 2, unknown flags and a capture time after the year 9999 are corrupt") {
  const auto with_flags = [](char flags) {
    bytes out = unhex(golden_hex);
    out[1] = flags;
    return out;
  };
  CHECK(accepts(with_flags(0)));
  CHECK(accepts(with_flags(1)));
  CHECK(accepts(with_flags(4)));
  CHECK_FALSE(accepts(with_flags(2)));
  CHECK_FALSE(accepts(with_flags(3)));
  CHECK_FALSE(accepts(with_flags(8)));
  bytes late = unhex(golden_hex);
  late[9] = 1;
  CHECK_FALSE(accepts(late));
  CHECK(wire::peek_record(late).has_error());
}

TEST_CASE("record: a topic that may not be published is corrupt") {
  CHECK(accepts(with_topic("a/b")));
  CHECK(accepts(with_topic(std::string(65535, 'a'))));
  for (const char* topic :
       {"", "a/#", "+", "a/+/b", "\xc0\x80", "\xed\xa0\x80", "\xff", "a\xe2\x82"})
    CHECK_FALSE(accepts(with_topic(topic)));
  CHECK_FALSE(accepts(with_topic(std::string("a\0b", 3))));
}

TEST_CASE("record: each property is allowed once, user properties as often as they come") {
  CHECK(accepts(with_properties("")));
  for (const char* once : {"0101", "0200000001", "03000161", "08000161", "09000161"}) {
    CAPTURE(once);
    CHECK(accepts(with_properties(once)));
    CHECK_FALSE(accepts(with_properties(std::string(once) + once)));
  }
  CHECK(accepts(with_properties("2600016b0001762600016b000176")));
}

TEST_CASE("record: properties that do not belong to a publisher's PUBLISH are corrupt") {
  CHECK_FALSE(accepts(with_properties("230001")));      // Topic Alias
  CHECK_FALSE(accepts(with_properties("0b01")));        // Subscription Identifier
  CHECK_FALSE(accepts(with_properties("1100000001")));  // Session Expiry Interval
  CHECK_FALSE(accepts(with_properties("00")));
  CHECK_FALSE(accepts(with_properties("ff")));
}

TEST_CASE("record: property values that break the standard are corrupt") {
  CHECK_FALSE(accepts(with_properties("0102")));            // Payload Format Indicator 2
  CHECK_FALSE(accepts(with_properties("01")));              // cut off
  CHECK_FALSE(accepts(with_properties("02000000")));        // cut off
  CHECK_FALSE(accepts(with_properties("03000261")));        // longer than what is there
  CHECK_FALSE(accepts(with_properties("030001ff")));        // not UTF-8
  CHECK_FALSE(accepts(with_properties("03000100")));        // U+0000
  CHECK_FALSE(accepts(with_properties("030003eda080")));    // a surrogate
  CHECK_FALSE(accepts(with_properties("030002c080")));      // overlong
  CHECK_FALSE(accepts(with_properties("030004f4908080")));  // over U+10FFFF
  CHECK(accepts(with_properties("030004f48fbfbf")));
  CHECK(accepts(with_properties("030003efbfbf")));
  CHECK(accepts(with_properties("030000")));
  CHECK_FALSE(accepts(with_properties("08000123")));  // Response Topic with a wildcard
  CHECK_FALSE(accepts(with_properties("0800012b")));
  CHECK(accepts(with_properties("090002ff00")));  // binary may be anything
  CHECK_FALSE(accepts(with_properties("2600016b")));
  CHECK_FALSE(accepts(with_properties("2600016b0001ff")));
}

TEST_CASE("record: a property length in more than four bytes or not the shortest is corrupt") {
  const bytes head = unhex("01000000000000000000000174");
  CHECK(accepts(head + unhex("00")));
  CHECK_FALSE(accepts(head + unhex("8000")));
  CHECK_FALSE(accepts(head + unhex("8080808001")));
  CHECK_FALSE(accepts(head + unhex("ffffff7f")));
}

TEST_CASE("record: the head finds the expiry behind other properties") {
  const auto head = wire::peek_record(with_properties("01012600016b0001760200000005"));
  REQUIRE(head.has_value());
  CHECK(head->expiry_s == 5);
  CHECK(wire::peek_record(with_properties("010126000100020000")).has_error());
}

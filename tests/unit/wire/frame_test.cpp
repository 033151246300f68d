#include "wire/frame.hpp"

#include <catch2/catch.hpp>

#include "link.pb.h"
#include "mqtt_linkd/limits.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/wire_builders.hpp"
#include "wire/block.hpp"

using namespace linkd;
using linkd::test::make_hello;
using linkd::test::unhex;

namespace {

constexpr std::uint64_t session = 0x0102030405060708;

wire::data make_data(std::uint64_t begin, std::uint64_t end, const bytes& block) {
  wire::data out;
  out.begin = begin;
  out.end = end;
  out.block = block;
  out.block_bytes = static_cast<std::uint32_t>(block.size());
  return out;
}

wire::data make_fragment(std::uint64_t offset, std::uint64_t total, const bytes& block, bool last) {
  auto out = make_data(7, last ? 8 : 7, block);
  out.fragment_offset = offset;
  out.fragment_total_bytes = total;
  return out;
}

// One of each kind, as in wire/PROTOCOL.md.
std::vector<std::pair<wire::frame_body, const char*>> golden_frames() {
  auto hello = make_hello("paris", "london");
  hello.received = {0x99, 300};
  auto data = make_data(5, 7, "\x01\x0e" + bytes(14, 'r'));
  data.sent_at_ms = 1'700'000'000'000;
  auto fragment = make_fragment(2, 5, "abc", true);
  return {
      {hello,
       "0908070605040302011240080110011a047a737464220570617269732a066c6f6e646f6e30033988"
       "7766554433221140808080044880804050808080085a0c09990000000000000010ac02"},
      {wire::hello_ack{hello},
       "0908070605040302011a40080110011a047a737464220570617269732a066c6f6e646f6e30033988"
       "7766554433221140808080044880804050808080085a0c09990000000000000010ac02"},
      {wire::refused{wire::refusal::wrong_name, "no"}, "0908070605040302012206080312026e6f"},
      {wire::interest_begin{4}, "0908070605040302012a020804"},
      {wire::interest_items{{"a/#", "b"}}, "09080706050403020132080a03612f230a0162"},
      {wire::interest_end{2, 0x1234}, "0908070605040302013a0b0802113412000000000000"},
      {wire::interest_delta{5, {"c"}, {"b"}}, "090807060504030201420808051201631a0162"},
      {data,
       "0908070605040302014a1f080510071880d095ffbc3128103210010e727272727272727272727272"
       "7272"},
      {fragment, "0908070605040302014a0f080710082803320361626338024005"},
      {wire::ack{6, std::nullopt}, "09080706050403020152020806"},
      {wire::ack{6, 0}, "090807060504030201520408061000"},
      {wire::ping{1, 4, 2, 0x1234, 7}, "0908070605040302015a110801100418022134120000000000002807"},
      {wire::pong{1}, "09080706050403020162020801"},
      {wire::bye{"bye"}, "0908070605040302016a050a03627965"},
  };
}

bytes encode_proto(const wire::proto::Frame& frame) {
  return frame.SerializeAsString();
}

errc decode_error(bytes_view encoded) {
  const auto read = wire::decode(encoded);
  REQUIRE(read.has_error());
  return read.error().code;
}

}  // namespace

TEST_CASE("frame: every kind has the bytes that PROTOCOL.md shows, and comes back from them") {
  for (const auto& [body, hex] : golden_frames()) {
    CAPTURE(hex, body.index());
    const wire::frame frame{session, body};
    CHECK(test::hex(wire::encode(frame)) == hex);
    const auto read = wire::decode(unhex(hex));
    REQUIRE(read.has_value());
    CHECK(*read == frame);
  }
}

TEST_CASE("frame: cut anywhere or with any byte changed it is an error or another frame") {
  for (const auto& [body, hex] : golden_frames()) {
    const bytes whole = unhex(hex);
    for (std::size_t size = 0; size < whole.size(); ++size)
      (void)wire::decode(bytes_view(whole).substr(0, size));
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (int value = 0; value < 256; ++value) {
        bytes changed = whole;
        changed[at] = static_cast<char>(value);
        const auto read = wire::decode(changed);
        // What is accepted is a frame that can be written.
        if (read.has_value()) REQUIRE(wire::decode(wire::encode(*read)).has_value());
      }
    }
  }
}

TEST_CASE("frame: random bytes are never a crash") {
  const auto seed = GENERATE(range(1, 21));
  CAPTURE(seed);
  test::random_engine random(static_cast<std::uint64_t>(seed));
  for (int i = 0; i < 2000; ++i) {
    bytes noise = test::random_bytes(random, test::below(random, 64));
    // Half of them begin like a frame.
    if (i % 2 == 0) noise = unhex("09080706050403020112") + noise;
    const auto read = wire::decode(noise);
    if (read.has_value()) REQUIRE(wire::decode(wire::encode(*read)).has_value());
  }
}

TEST_CASE("frame: unknown fields are ignored, an unknown body is a version error") {
  const bytes ping = wire::encode({session, wire::ping{1, 2, 3, 4, 5}});
  const bytes unknown_bytes_field = unhex("a20603ffffff");  // field 100
  const auto read = wire::decode(ping + unknown_bytes_field);
  REQUIRE(read.has_value());
  CHECK(std::get<wire::ping>(read->body).sent_offset == 5);

  const bytes only_session = unhex("090807060504030201");
  CHECK(decode_error(only_session) == errc::version);
  CHECK(decode_error(only_session + unknown_bytes_field) == errc::version);
}

TEST_CASE("frame: a frame without a session is corrupt") {
  CHECK(decode_error(wire::encode({0, wire::pong{1}})) == errc::corrupt);
}

TEST_CASE("frame: the size limit is on the frame as it came") {
  auto data = make_data(1, 2, "");
  const auto overhead = wire::encode({session, make_data(1, 2, bytes(1u << 19, 'x'))}).size() -
                        (std::size_t{1} << 19);
  data.block = bytes(limits::frame_bytes_max - overhead, 'x');
  data.block_bytes = static_cast<std::uint32_t>(data.block.size());
  const bytes largest = wire::encode({session, data});
  REQUIRE(largest.size() == limits::frame_bytes_max);
  CHECK(wire::decode(largest).has_value());
  CHECK(decode_error(largest + '\0') == errc::too_large);
}

TEST_CASE("frame: filters are counted before they are parsed") {
  wire::interest_items items;
  items.filters.assign(wire::filters_per_frame_max, "a");
  CHECK(wire::decode(wire::encode({session, items})).has_value());
  items.filters.emplace_back("a");
  CHECK(decode_error(wire::encode({session, items})) == errc::corrupt);
  items.filters.assign(400'000, "");
  CHECK(decode_error(wire::encode({session, items})) == errc::corrupt);

  wire::interest_delta delta{1, std::vector<std::string>(wire::filters_per_frame_max, "a"), {}};
  CHECK(wire::decode(wire::encode({session, delta})).has_value());
  delta.removed = {"b"};
  CHECK(decode_error(wire::encode({session, delta})) == errc::corrupt);
}

TEST_CASE("frame: a HELLO out of range is corrupt") {
  const auto accepts = [](auto change) {
    auto hello = make_hello("paris", "london");
    change(hello);
    return wire::decode(wire::encode({session, hello})).has_value();
  };
  CHECK(accepts([](wire::hello&) {}));
  CHECK(accepts([](wire::hello& h) { h.deployment = std::string(64, 'a'); }));
  CHECK_FALSE(accepts([](wire::hello& h) { h.deployment = std::string(65, 'a'); }));
  CHECK_FALSE(accepts([](wire::hello& h) { h.deployment = ""; }));
  CHECK_FALSE(accepts([](wire::hello& h) { h.deployment = "_a"; }));
  CHECK_FALSE(accepts([](wire::hello& h) { h.peer = "a/b"; }));
  CHECK_FALSE(accepts([](wire::hello& h) { h.peer = "a\nb"; }));
  CHECK_FALSE(accepts([](wire::hello& h) { h.queue_id = 0; }));
  CHECK(accepts([](wire::hello& h) { h.frame_bytes_max = wire::frame_bytes_min; }));
  CHECK_FALSE(accepts([](wire::hello& h) { h.frame_bytes_max = wire::frame_bytes_min - 1; }));
  CHECK_FALSE(accepts([](wire::hello& h) { h.version_min = h.version_max + 1; }));
  CHECK(accepts([](wire::hello& h) { h.received.offset = INT64_MAX; }));
  CHECK_FALSE(accepts([](wire::hello& h) { h.received.offset = UINT64_MAX; }));
}

TEST_CASE("frame: features beyond the limits are ignored, not an error") {
  auto hello = make_hello("paris", "london");
  hello.features.assign(wire::features_max + 5, "f");
  hello.features.front() = "bad feature";
  const auto read = wire::decode(wire::encode({session, hello}));
  REQUIRE(read.has_value());
  CHECK(std::get<wire::hello>(read->body).features ==
        std::vector<std::string>(wire::features_max, "f"));
}

TEST_CASE("frame: a DATA out of range is corrupt") {
  const auto accepts = [](const wire::data& data) {
    return wire::decode(wire::encode({session, data})).has_value();
  };
  CHECK(accepts(make_data(1, 2, "")));
  CHECK_FALSE(accepts(make_data(2, 2, "")));
  CHECK_FALSE(accepts(make_data(3, 2, "")));
  CHECK_FALSE(accepts(make_data(1, UINT64_MAX, "")));
  CHECK(accepts(make_fragment(0, 5, "ab", false)));
  CHECK(accepts(make_fragment(2, 5, "abc", true)));
  CHECK_FALSE(accepts(make_fragment(2, 5, "abc", false)));
  CHECK_FALSE(accepts(make_fragment(2, 5, "abcd", true)));
  CHECK_FALSE(accepts(make_fragment(5, 5, "a", true)));
  CHECK_FALSE(accepts(make_fragment(UINT64_MAX, 5, "a", true)));
  CHECK_FALSE(accepts(make_fragment(0, 5, "", false)));

  auto data = make_data(1, 2, "abcd");
  data.block_bytes = 5;
  CHECK_FALSE(accepts(data));
  data.compressed = true;
  CHECK(accepts(data));
  data.block_bytes = 4;
  CHECK_FALSE(accepts(data));
  data.block_bytes = limits::frame_bytes_max + 1;
  CHECK_FALSE(accepts(data));
  data = make_data(1, 2, "");
  data.fragment_offset = 1;
  CHECK_FALSE(accepts(data));
  data = make_data(1, 2, "");
  data.sent_at_ms = UINT64_MAX;
  CHECK_FALSE(accepts(data));
}

TEST_CASE("frame: offsets in ACK and PING are below 2^63") {
  CHECK(decode_error(wire::encode({session, wire::ack{UINT64_MAX, {}}})) == errc::corrupt);
  CHECK(decode_error(wire::encode({session, wire::ack{0, UINT64_MAX}})) == errc::corrupt);
  CHECK(decode_error(wire::encode({session, wire::ping{1, 0, 0, 0, UINT64_MAX}})) == errc::corrupt);
}

TEST_CASE("frame: text for people is cut at a whole character and made one line of UTF-8") {
  const auto read_text = [](const std::string& text) {
    return std::get<wire::bye>(wire::decode(wire::encode({session, wire::bye{text}}))->body).reason;
  };
  CHECK(read_text("line\n\x1b[31mred\x7f") == "line??[31mred?");
  CHECK(read_text("Köln") == "Köln");
  CHECK(read_text(std::string(wire::text_bytes_max, 'a')).size() == wire::text_bytes_max);
  const std::string long_text = std::string(wire::text_bytes_max - 1, 'a') + "é and more";
  CHECK(read_text(long_text) == std::string(wire::text_bytes_max - 1, 'a'));

  CHECK(read_text("a\xff\xc3") == "a??");
}

TEST_CASE("frame: a refusal of a version to come reads as `version`") {
  wire::proto::Frame frame;
  frame.set_session(session);
  frame.mutable_refused()->set_reason(static_cast<wire::proto::Refusal>(99));
  frame.mutable_refused()->set_text("because");
  const auto read = wire::decode(encode_proto(frame));
  REQUIRE(read.has_value());
  CHECK(std::get<wire::refused>(read->body) == wire::refused{wire::refusal::version, "because"});
}

TEST_CASE("frame: every refusal has its own name and survives the way") {
  const std::pair<wire::refusal, const char*> all[] = {
      {wire::refusal::unknown_deployment, "unknown_deployment"},
      {wire::refusal::link_disabled, "link_disabled"},
      {wire::refusal::wrong_name, "wrong_name"},
      {wire::refusal::unauthorized, "unauthorized"},
      {wire::refusal::version, "version"},
      {wire::refusal::duplicate_session, "duplicate_session"}};
  for (const auto& [reason, name] : all) {
    CHECK(wire::to_string(reason) == name);
    const auto read = wire::decode(wire::encode({session, wire::refused{reason, ""}}));
    REQUIRE(read.has_value());
    CHECK(std::get<wire::refused>(read->body).reason == reason);
  }
}

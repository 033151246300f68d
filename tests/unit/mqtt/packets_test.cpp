// Golden bytes of src/mqtt/native/MQTT.md, both ways, and what must be refused.
#include "mqtt/native/packets.hpp"

#include <catch2/catch.hpp>

#include "tests/support/hex.hpp"

using namespace linkd;
using namespace linkd::mqtt::native;
using linkd::test::hex;
using linkd::test::unhex;

namespace {

// The bytes that `put` appends, as digits; empty if it failed.
template <class Function>
std::string written(Function&& put) {
  bytes out;
  if constexpr (std::is_void_v<decltype(put(out))>) {
    put(out);
  } else if (!put(out)) {
    CHECK(out.empty());
  }
  return hex(out);
}

// The one packet these digits are.
packet parsed(const bytes& all) {
  bytes_view in = all;
  const auto out = take_packet(in, packet_bytes_max);
  REQUIRE(out.has_value());
  REQUIRE(out->has_value());
  REQUIRE(in.empty());
  return **out;
}

std::string refusal(const message& what, std::size_t bytes_max = packet_bytes_max) {
  bytes out;
  const auto put = put_publish(out, what, {1, false, 1}, true, bytes_max);
  REQUIRE_FALSE(put.has_value());
  CHECK(out.empty());
  return put.error().code == errc::too_large ? "too large" : "invalid";
}

message make_message(const std::string& topic, const bytes& payload) {
  message out;
  out.topic = topic;
  out.payload = payload;
  return out;
}

message full_message() {
  message out = make_message("a/b", "hi");
  out.properties.payload_format_indicator = 1;
  out.properties.message_expiry_interval_s = 256;
  out.properties.content_type = "t";
  out.properties.response_topic = "r";
  out.properties.correlation_data = bytes("\0\1", 2);
  out.properties.user_properties = {{"k", "v"}};
  return out;
}

}  // namespace

TEST_CASE("packets: CONNECT", "[mqtt]") {
  mqtt::client_settings settings;
  settings.client_id = "id";
  settings.keepalive = seconds(30);
  const auto bytes_of = [&](const std::string& password) {
    return written([&](bytes& out) { return put_connect(out, settings, secret(password)); });
  };
  CHECK(bytes_of("") == "101200044d5154540502001e0321ffff00026964");
  settings.mqtt5 = false;
  settings.clean_start = false;
  CHECK(bytes_of("unused: nobody logs in") == "100e00044d5154540400001e00026964");
  settings.login.username = "u";
  CHECK(bytes_of("p") == "101400044d51545404c0001e00026964000175000170");
  CHECK(bytes_of("") == "101100044d5154540480001e00026964000175");
  settings.mqtt5 = true;
  settings.session_expiry = seconds(86'400);
  settings.receive_maximum = 100;
  settings.packet_bytes_max = 1'000'000;
  CHECK(bytes_of("p") ==
        "102200044d51545405c0001e0d110001518021006427000f424000026964000175000170");
  settings.login.username = std::string("a\0b", 3);
  CHECK(bytes_of("p").empty());
}

TEST_CASE("packets: PUBLISH, as it is written and read", "[mqtt]") {
  struct sample {
    message what;
    publish_header header;
    bool mqtt5;
    const char* digits;
  };
  const std::vector<sample> samples{
      {make_message("a/b", "hi"), {0, false, 7}, false, "30070003612f626869"},
      {make_message("a/b", "hi"), {1, true, 7}, false, "33090003612f6200076869"},
      {make_message("a/b", "hi"), {1, false, 0x1234}, true, "320a0003612f621234006869"},
      {make_message("a/b", ""), {0, false, 0}, true, "30060003612f6200"},
      {full_message(),
       {1, false, 1},
       true,
       "32250003612f6200011b0200000100010103000174080001720900020001260001"
       "6b0001766869"},
  };
  for (const auto& each : samples) {
    CHECK(written([&](bytes& out) {
            return put_publish(out, each.what, each.header, each.mqtt5, packet_bytes_max);
          }) == each.digits);
    const bytes raw = unhex(each.digits);
    const auto read = read_publish(parsed(raw), each.mqtt5);
    REQUIRE(read.has_value());
    message expected = each.what;
    expected.qos = each.header.qos;
    expected.retain = each.header.retain;
    CHECK(read->in.what == expected);
    CHECK(read->id == (each.header.qos > 0 ? each.header.id : 0));
    CHECK(read->in.subscription_ids.empty());
  }
}

TEST_CASE("packets: a PUBLISH that MQTT cannot carry is not written", "[mqtt]") {
  CHECK(refusal(make_message("", "x")) == "invalid");
  CHECK(refusal(make_message("a/#", "x")) == "invalid");
  CHECK(refusal(make_message("\xff", "x")) == "invalid");
  message with = make_message("a", "x");
  with.properties.content_type = std::string("a\0b", 3);
  CHECK(refusal(with) == "invalid");
  with.properties = {};
  with.properties.user_properties = {{"a", "\xff"}};
  CHECK(refusal(with) == "invalid");
  with.properties = {};
  with.properties.correlation_data = bytes(65'536, 'x');
  CHECK(refusal(with) == "invalid");
  with.properties = {};
  with.properties.response_topic = "a/+";
  CHECK(refusal(with) == "invalid");
  // 2 + 2 + 1 + 2 + 1 + 5: all of it counts.
  CHECK(refusal(make_message("a", "12345"), 12) == "too large");
  bytes out;
  CHECK(put_publish(out, make_message("a", "12345"), {1, false, 1}, true, 13).has_value());
  CHECK(out.size() == 13);
  CHECK(refusal(make_message("a", bytes(packet_bytes_max, 'x'))) == "too large");
}

TEST_CASE("packets: SUBSCRIBE, UNSUBSCRIBE, answers, PINGREQ, DISCONNECT", "[mqtt]") {
  const mqtt::subscribe_options options{1, true, true, 2};
  const std::size_t all = packet_bytes_max;
  CHECK(written([&](bytes& out) {
          return put_subscribe(out, {"a/#"}, options, 200, 1, true, all);
        }) == "820c0001030bc8010003612f232d");
  CHECK(written([&](bytes& out) {
          return put_subscribe(out, {"a", "b"}, options, 200, 1, false, all);
        }) ==
        "820a000100016101000162"
        "01");
  CHECK(written([&](bytes& out) { return put_unsubscribe(out, {"a"}, 2, true, all); }) ==
        "a206000200000161");
  CHECK(written([&](bytes& out) { return put_unsubscribe(out, {"a"}, 2, false, all); }) ==
        "a2050002000161");
  CHECK(written([&](bytes& out) {
          return put_subscribe(out, {}, options, 1, 1, true, all);
        }).empty());
  CHECK(written([&](bytes& out) {
          return put_subscribe(out, {"a#"}, options, 1, 1, true, all);
        }).empty());
  CHECK(written([&](bytes& out) { return put_unsubscribe(out, {"abc"}, 2, true, 9); }).empty());
  CHECK(written([](bytes& out) { put_acknowledgement(out, packet_type::puback, 0x0102); }) ==
        "40020102");
  CHECK(written([](bytes& out) { put_acknowledgement(out, packet_type::pubcomp, 1); }) ==
        "70020001");
  CHECK(written(put_pingreq) == "c000");
  CHECK(written(put_disconnect) == "e000");
}

TEST_CASE("packets: CONNACK", "[mqtt]") {
  const auto read = [](const char* digits, bool mqtt5) {
    const bytes raw = unhex(digits);
    return read_connack(parsed(raw), mqtt5);
  };
  CHECK(read("20020100", false)->granted.session_present);
  CHECK(read("20020005", false)->reason_code == 5);
  CHECK(read("20020001", true)->reason_code == 0x84);  // a 3.1.1 broker, asked for 5
  CHECK(read("2003008700", true)->reason_code == 0x87);
  CHECK(read("2003000000", true)->granted.receive_maximum == 65535);
  const auto full = read(
      "2028010025"
      "210014"
      "2400"
      "2500"
      "2700010000"
      "2900"
      "13003c"
      "1100000e10"
      "12000178"
      "2800"
      "1f000161"
      "2a01"
      "220000",
      true);
  REQUIRE(full.has_value());
  CHECK(full->granted.session_present);
  CHECK(full->granted.receive_maximum == 20);
  CHECK(full->granted.qos_max == 0);
  CHECK_FALSE(full->granted.retain_available);
  CHECK(full->granted.packet_bytes_max == 65536);
  CHECK_FALSE(full->granted.subscription_ids_available);
  CHECK_FALSE(full->granted.wildcards_available);
  CHECK(full->granted.keepalive == seconds(60));
  CHECK(full->granted.session_expiry == seconds(3600));
  for (const char* bad :
       {"2000", "200100", "2002", "20020000", "2003020000", "2003018000", "2003000001",
        "20060000032100"
        "00",
        "20080000052700000000",
        "2005000002"
        "2402",
        "2005000002"
        "2502",
        "2006000003"
        "230001",
        "200500000211"
        "00",
        "2103000000"}) {
    CAPTURE(bad);
    const bytes raw = unhex(bad);
    bytes_view in = raw;
    const auto taken = take_packet(in, packet_bytes_max);
    const bool whole = taken && *taken;
    CHECK((!whole || !read_connack(**taken, true)));
  }
}

TEST_CASE("packets: a PUBLISH with subscription identifiers, a flag and QoS 2", "[mqtt]") {
  const bytes raw = unhex(
      "3d0c000161000705"
      "0b01"
      "0bc801"
      "78");
  const auto read = read_publish(parsed(raw), true);
  REQUIRE(read.has_value());
  CHECK(read->in.subscription_ids == std::vector<std::uint32_t>{1, 200});
  CHECK(read->in.duplicate);
  CHECK(read->in.what.retain);
  CHECK(read->in.what.qos == 2);
  CHECK(read->id == 7);
  CHECK(read->in.what.payload == "x");
}

TEST_CASE("packets: a property with a forbidden value is left out, the message is not", "[mqtt]") {
  const auto properties_of = [](const std::string& digits) {
    bytes raw = unhex("30") + bytes(1, static_cast<char>(4 + digits.size() / 2)) + unhex("000161") +
                bytes(1, static_cast<char>(digits.size() / 2)) + unhex(digits);
    const auto read = read_publish(parsed(raw), true);
    REQUIRE(read.has_value());
    return read->in.what.properties;
  };
  CHECK(properties_of("0107"
                      "030001"
                      "74")
            .content_type == "t");
  CHECK_FALSE(properties_of("0107").payload_format_indicator);
  CHECK_FALSE(properties_of("0800032b2f61").response_topic);  // +/a
  CHECK_FALSE(properties_of("030001ff").content_type);        // not UTF-8
  CHECK(properties_of("03000161"
                      "03000162")
            .content_type == "a");  // doubled
  CHECK(properties_of("2600016b000176").user_properties.size() == 1);
}

TEST_CASE("packets: answers to a publish and to a subscription", "[mqtt]") {
  const auto answer = [](const char* digits, bool mqtt5) {
    const bytes raw = unhex(digits);
    return read_acknowledgement(parsed(raw), mqtt5);
  };
  CHECK(answer("40020102", true)->id == 0x0102);
  CHECK(answer("4003000187", true)->reason_code == 0x87);
  CHECK(answer("4008000187041f000161", true)->reason_code == 0x87);
  CHECK(answer("62020001", true)->id == 1);
  CHECK(answer("60020001", true).has_error());  // a PUBREL has flags
  CHECK(answer("40020000", true).has_error());
  CHECK(answer("400101", true).has_error());
  CHECK(answer("4003000187", false).has_error());
  CHECK(answer("40050001870200", true).has_error());

  const auto granted = [](const char* digits, bool mqtt5) {
    const bytes raw = unhex(digits);
    return read_subscription_answer(parsed(raw), mqtt5);
  };
  CHECK(granted("900500010001"
                "87",
                true)
            ->reason_codes == std::vector<std::uint8_t>{1, 0x87});
  CHECK(granted("9003000180", false)->reason_codes == std::vector<std::uint8_t>{0x80});
  CHECK(granted("b0020001", false)->reason_codes.empty());
  CHECK(granted("90020001", true).has_error());
  CHECK(granted("9003000000", true).has_error());

  const auto reason = [](const char* digits) {
    const bytes raw = unhex(digits);
    return read_disconnect(parsed(raw));
  };
  CHECK(*reason("e000") == 0);
  CHECK(*reason("e0018e") == 0x8e);
  CHECK(*reason("e0028e00") == 0x8e);
  CHECK(reason("e0038e0001").has_error());
}

TEST_CASE("packets: one is taken when all of it is there", "[mqtt]") {
  const bytes two = unhex(
      "40020001"
      "30800200");
  for (std::size_t size = 0; size < 4; ++size) {
    bytes_view in = bytes_view(two).substr(0, size);
    const auto none = take_packet(in, packet_bytes_max);
    REQUIRE(none.has_value());
    CHECK_FALSE(none->has_value());
    CHECK(in.size() == size);
  }
  bytes_view in = two;
  CHECK((*take_packet(in, packet_bytes_max))->type == packet_type::puback);
  CHECK(in.size() == 4);
  CHECK_FALSE((*take_packet(in, packet_bytes_max)).has_value());
  // Refused before its body is there.
  CHECK(take_packet(in, 258).error().code == errc::too_large);
  CHECK_FALSE((*take_packet(in, 259)).has_value());
  for (const char* bad : {"0000", "30ffffffff7f", "30800000", "3080808000"}) {
    CAPTURE(bad);
    const bytes raw = unhex(bad);
    bytes_view none = raw;
    CHECK(take_packet(none, packet_bytes_max).has_error());
  }
}

// What a broker should not send and some do; who listens decides.
TEST_CASE("packets: a topic with a wildcard or that is no UTF-8 is read as it is", "[mqtt]") {
  for (const char* odd : {"30040001ff00",
                          "300500026123"
                          "00"}) {
    CAPTURE(odd);
    const bytes raw = unhex(odd);
    bytes_view in = raw;
    const auto taken = take_packet(in, packet_bytes_max);
    REQUIRE((taken.has_value() && taken->has_value()));
    const auto read = read_publish(**taken, true);
    REQUIRE(read.has_value());
    CHECK(read->in.what.topic == raw.substr(4, raw.size() - 5));
  }
}

TEST_CASE("packets: a malformed PUBLISH is refused", "[mqtt]") {
  for (const char* bad : {"3600", "300100", "3003000361",
                          "3002000"
                          "0",                 // cut off, no topic
                          "3006000361002f00",  // NUL
                          "32030001"
                          "61",
                          "32060001610000"
                          "00",  // no packet identifier, or 0
                          "30030001"
                          "61",
                          "3005000161"
                          "0101",
                          "30070001610323"
                          "0001",  // properties; an alias
                          "300600016102"
                          "0b00",
                          "300600016102ff00",
                          "360800036"
                          "12f62000100"}) {
    CAPTURE(bad);
    bytes raw = unhex(bad);
    bytes_view in = raw;
    const auto taken = take_packet(in, packet_bytes_max);
    REQUIRE(taken.has_value());
    if (*taken) CHECK(read_publish(**taken, true).has_error());
  }
}

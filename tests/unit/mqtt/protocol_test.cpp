#include "mqtt/native/protocol.hpp"

#include <catch2/catch.hpp>

#include "mqtt_linkd/limits.hpp"
#include "tests/support/hex.hpp"

using namespace linkd;
using namespace linkd::mqtt;
using linkd::test::hex;
using linkd::test::unhex;
using native::packet_type;

namespace {

const std::string accepted = "2003000000";

client_settings five() {
  client_settings out;
  out.client_id = "id";
  out.keepalive = seconds(30);
  return out;
}

// A protocol, and the broker's side as bytes.
struct talk {
  explicit talk(client_settings settings = five(), const std::string& connack_digits = accepted)
      : protocol(std::move(settings)) {
    REQUIRE(protocol.connect({}).has_value());
    CHECK(said().substr(0, 2) == "10");
    hears(connack_digits);
  }
  // Everything, however many batches it is.
  void hears(const std::string& digits) {
    left += unhex(digits);
    bytes_view in = left;
    while (protocol.receive(in, now)) {
    }
    left = bytes(in);
  }
  std::string said() {
    const std::string out = hex(protocol.output());
    protocol.written(protocol.output().size(), now);
    return out;
  }
  template <class Event>
  std::vector<Event> told() {
    std::vector<Event> out;
    for (auto& each : protocol.events()) {
      if (auto* found = std::get_if<Event>(&each)) out.push_back(*found);
    }
    protocol.events().clear();
    return out;
  }
  end_kind how_it_ended() {
    REQUIRE(protocol.end());
    return protocol.end()->kind;
  }

  native::protocol protocol;
  bytes left;
  time_point now{seconds(1000)};
};

message make_message(const std::string& payload, std::uint8_t qos = 1) {
  message out;
  out.topic = "a";
  out.payload = payload;
  out.qos = qos;
  return out;
}

// QoS 1 or 2, topic "a", MQTT 5.
std::string publish_digits(int qos, int id, const std::string& payload = "x", bool again = false) {
  bytes rest = unhex("000161") + bytes(1, 0) + bytes(1, static_cast<char>(id)) + bytes(1, 0);
  rest += payload;
  const int first = 0x30 | qos << 1 | (again ? 8 : 0);
  return hex(bytes(1, static_cast<char>(first)) + bytes(1, static_cast<char>(rest.size())) + rest);
}

}  // namespace

TEST_CASE("protocol: nothing can be asked before the CONNACK, and it is told first", "[mqtt]") {
  native::protocol protocol(five());
  REQUIRE(protocol.connect({}).has_value());
  CHECK(protocol.publish(make_message("x")).error().code == errc::unavailable);
  CHECK_FALSE(protocol.deadline());
  const bytes raw = unhex(accepted + publish_digits(1, 1));
  bytes_view in = raw;
  CHECK_FALSE(protocol.receive(in, time_point{}));
  CHECK(in.empty());
  CHECK(protocol.is_up());
  REQUIRE(protocol.events().size() == 2);
  CHECK(std::holds_alternative<connack>(protocol.events()[0]));
  CHECK(std::holds_alternative<received_message>(protocol.events()[1]));
}

TEST_CASE("protocol: a publish at QoS 1 is told when it is answered, at QoS 0 when written",
          "[mqtt]") {
  talk with;
  const auto first = with.protocol.publish(make_message("1"));
  const auto second = with.protocol.publish(make_message("0", 0));
  REQUIRE((first.has_value() && second.has_value()));
  CHECK(*first != *second);
  const std::size_t all = with.protocol.output().size();
  with.protocol.written(all - 1, with.now);
  CHECK(with.told<mqtt::published>().empty());
  with.protocol.written(1, with.now);
  auto told = with.told<mqtt::published>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].id == *second);
  with.hears("4003000187");
  told = with.told<mqtt::published>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].id == *first);
  CHECK(told[0].reason_code == 0x87);
  with.hears("40020001");  // again: nobody asked
  CHECK(with.told<mqtt::published>().empty());
  CHECK_FALSE(with.protocol.end());
}

TEST_CASE("protocol: unheard it still hears answers, and no message that would come again",
          "[mqtt]") {
  talk with;
  const auto sent = with.protocol.publish(make_message("1"));
  REQUIRE(sent.has_value());
  with.protocol.unheard();
  with.hears(publish_digits(1, 1) + publish_digits(2, 2) + "30050001610078");
  const auto heard = with.told<received_message>();
  REQUIRE(heard.size() == 1);
  CHECK(heard[0].what.qos == 0);
  with.hears("40020001");
  CHECK(with.told<mqtt::published>().size() == 1);
}

TEST_CASE("protocol: written in pieces, the output stays whole", "[mqtt]") {
  talk with;
  bytes expected, got;
  for (int i = 0; i < 300; ++i) {
    const auto before = with.protocol.output().size();
    REQUIRE(
        with.protocol.publish(make_message(bytes(20'000, static_cast<char>(i)), 0)).has_value());
    expected += with.protocol.output().substr(before);
    const bytes_view piece = with.protocol.output().substr(0, 19'000);
    got += piece;
    with.protocol.written(piece.size(), with.now);
  }
  got += with.protocol.output();
  with.said();
  CHECK((got == expected));
  CHECK(with.told<mqtt::published>().size() == 300);
}

TEST_CASE("protocol: what the CONNACK allows is kept", "[mqtt]") {
  talk with(five(),
            "200d00000a"
            "210002"
            "2500"
            "2700000014");
  message what = make_message("x");
  what.retain = true;
  REQUIRE(with.protocol.publish(what).has_value());
  CHECK(with.said().substr(0, 2) == "32");  // without the flag
  REQUIRE(with.protocol.publish(what).has_value());
  CHECK(with.protocol.publish(what).error().code == errc::unavailable);
  CHECK(with.protocol.publish(make_message(bytes(20, 'x'), 0)).error().code == errc::too_large);
  CHECK(with.protocol.publish(make_message("x", 0)).has_value());
  with.hears("40020001");
  CHECK(with.protocol.publish(what).has_value());

  talk at_qos0(five(),
               "2005000002"
               "2400");
  REQUIRE(at_qos0.protocol.publish(make_message("x")).has_value());
  CHECK(at_qos0.said().substr(0, 2) == "30");
}

TEST_CASE("protocol: a packet identifier is not used again while it is under way", "[mqtt]") {
  talk with;
  const auto kept = with.protocol.publish(make_message("x"));
  REQUIRE(kept.has_value());
  for (int i = 0; i < 70'000; ++i) {
    const auto id = with.protocol.publish(make_message("x", 0));
    REQUIRE(id.has_value());
    if (*id == *kept || *id < 1 || *id > 65535) FAIL("used again: " << *id);
    with.said();
  }
}

TEST_CASE("protocol: subscriptions are answered in order of the filters", "[mqtt]") {
  talk with;
  const auto id = with.protocol.subscribe({"a", "b"}, {1, true, true, 2}, 5);
  REQUIRE(id.has_value());
  CHECK(with.said() ==
        "820d0001020b05"
        "0001612d"
        "0001622d");
  with.hears("90050001000187");
  const auto told = with.told<mqtt::subscribed>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].reason_codes == std::vector<std::uint8_t>{1, 0x87});
  REQUIRE(with.protocol.unsubscribe({"a"}).has_value());
  with.hears(
      "b004000200"
      "00");
  CHECK(with.told<mqtt::unsubscribed>().size() == 1);
}

TEST_CASE("protocol: a message at QoS 1 is acknowledged in the output, at QoS 2 told once",
          "[mqtt]") {
  talk with;
  with.hears(publish_digits(1, 7));
  CHECK(with.said() == "40020007");
  with.hears(publish_digits(2, 8) + publish_digits(2, 8, "x", true));
  CHECK(with.told<received_message>().size() == 2);
  CHECK(with.said() ==
        "50020008"
        "50020008");
  with.hears("62020008" + publish_digits(2, 8));
  CHECK(with.said() ==
        "70020008"
        "50020008");
  CHECK(with.told<received_message>().size() == 1);
}

TEST_CASE("protocol: a batch is bounded, the rest waits in its buffer", "[mqtt]") {
  talk with;
  with.protocol.events().clear();
  const auto [qos, most] = GENERATE(table<int, std::size_t>(
      {{0, limits::capture_batch_messages_max}, {1, limits::capture_batch_acknowledged_max}}));
  bytes raw;
  for (std::size_t i = 0; i < most + 10; ++i)
    raw += unhex(publish_digits(qos, static_cast<int>(1 + i % 100)));
  bytes_view in = raw;
  CHECK(with.protocol.receive(in, with.now));
  CHECK(with.told<received_message>().size() == most);
  CHECK_FALSE(with.protocol.receive(in, with.now));
  CHECK(with.told<received_message>().size() == 10);
  CHECK(in.empty());
}

TEST_CASE("protocol: who says nothing for a keepalive is asked, and given up after another",
          "[mqtt]") {
  talk with;
  const auto quiet = [&](seconds how_long) {
    with.now += how_long;
    with.protocol.on_deadline(with.now);
  };
  CHECK(*with.protocol.deadline() == with.now + seconds(30));
  quiet(seconds(29));
  CHECK(with.said().empty());
  quiet(seconds(1));
  CHECK(with.said() == "c000");
  quiet(seconds(29));
  SECTION("an answer") {
    with.hears("d000");
    quiet(seconds(1));
    CHECK_FALSE(with.protocol.end());
    CHECK(with.said() == "c000");
  }
  SECTION("busy with something else") {
    with.hears(publish_digits(1, 1));
    quiet(seconds(29));
    CHECK_FALSE(with.protocol.end());
    quiet(seconds(1));
    CHECK(with.how_it_ended() == end_kind::timed_out);
  }
  SECTION("not listened to") {
    with.protocol.heard_again(with.now);
    quiet(seconds(29));
    CHECK_FALSE(with.protocol.end());
  }
  SECTION("none") {
    quiet(seconds(1));
    CHECK(with.how_it_ended() == end_kind::timed_out);
    CHECK_FALSE(with.protocol.is_up());
    CHECK(with.protocol.publish(make_message("x")).error().code == errc::unavailable);
  }
}

TEST_CASE("protocol: the broker's keepalive counts, and 0 is none", "[mqtt]") {
  talk with(five(),
            "2006000003"
            "130005");
  CHECK(*with.protocol.deadline() == with.now + seconds(5));
  talk without(five(),
               "2006000003"
               "130000");
  CHECK_FALSE(without.protocol.deadline());
}

TEST_CASE("protocol: how it ends", "[mqtt]") {
  SECTION("refused") {
    talk with(five(), "2003008600");
    CHECK(with.how_it_ended() == end_kind::refused);
    CHECK(with.protocol.end()->reason_code == 0x86);
    CHECK(with.protocol.end()->reason.code == errc::refused);
    CHECK(with.told<connack>().empty());
  }
  SECTION("something else first") {
    talk with(five(), publish_digits(1, 1));
    CHECK(with.how_it_ended() == end_kind::no_connack);
    CHECK(with.told<received_message>().empty());
  }
  SECTION("DISCONNECT, and what was said before it") {
    talk with;
    with.hears(publish_digits(1, 1) + "e0018e" + publish_digits(1, 2));
    CHECK(with.how_it_ended() == end_kind::by_peer);
    CHECK(with.protocol.end()->reason_code == 0x8e);
    CHECK(with.told<received_message>().size() == 1);
  }
  SECTION("a packet that no server sends") {
    const auto digits = GENERATE(as<std::string>(), accepted, "1000",
                                 "820600010000"
                                 "0161",
                                 "c000", "50020001", "70020001", "f000");
    CAPTURE(digits);
    talk with;
    with.hears(digits);
    CHECK(with.how_it_ended() == end_kind::failed);
  }
  SECTION("DISCONNECT with 3.1.1") {
    client_settings old = five();
    old.mqtt5 = false;
    talk with(old, "20020000");
    with.hears("e000");
    CHECK(with.how_it_ended() == end_kind::failed);
  }
  SECTION("a packet larger than we announced") {
    client_settings small = five();
    small.packet_bytes_max = 100;
    talk with(small);
    with.hears("3063");  // of 101 bytes its first two are enough
    CHECK(with.how_it_ended() == end_kind::failed);
  }
}

TEST_CASE("protocol: MQTT 3.1.1 has no properties and no limit it could announce", "[mqtt]") {
  client_settings old = five();
  old.mqtt5 = false;
  old.packet_bytes_max = 100;
  talk with(old, "20020100");
  CHECK(with.told<connack>().at(0).session_present);
  message what = make_message("x");
  what.properties.content_type = "t";
  REQUIRE(with.protocol.publish(what).has_value());
  CHECK(with.said() == "3206000161000178");
  with.hears(
      "3081020001"
      "61" +
      hex(bytes(254, 'x')));
  CHECK(with.told<received_message>().size() == 1);
}

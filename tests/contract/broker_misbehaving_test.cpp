// Brokers that break the rules or hardly allow anything: the connection may end, we may not; the
// next connection to a broker that behaves does all its work.
#include <catch2/catch.hpp>

#include "tests/contract/broker_world.hpp"
#include "tests/contract/scripted_packets.hpp"
#include "tests/support/hex.hpp"

using namespace linkd;
using namespace linkd::test;
using namespace std::chrono_literals;

namespace {

struct misbehaviour {
  const char* name;
  std::uint8_t at;     // the type of packet it answers so, on the first connection
  std::string answer;  // instead of, or behind, the right one
  bool right_first = false;
  bool close = false;
};

std::string text(const char* bytes, std::size_t size) {
  return std::string(bytes, size);
}

std::vector<misbehaviour> misbehaviours() {
  constexpr auto at_connect = type::connect, at_subscribe = type::subscribe;
  std::vector<misbehaviour> all = {
      {"closes after CONNECT", at_connect, "", false, true},
      {"a reserved packet type", at_connect, text("\xf0\0", 2), true},
      {"a PUBACK for the identifier 0", at_connect, text("\x40\x02\0\0", 4), true},
      {"a PUBACK for a publish that was never made", at_connect, text("\x40\x02\x7f\xff", 4), true},
      {"a SUBACK without reason codes", at_subscribe, text("\x90\x03\0\x01\0", 5)},
      {"a SUBACK for a subscription that was never made", at_connect,
       text("\x90\x04\x7f\xff\0\x01", 6), true},
      {"a remaining length of 256 MB", at_connect, text("\x30\xff\xff\xff\x7f", 5), true, true},
      {"a remaining length of five bytes", at_connect, text("\x30\xff\xff\xff\xff\x7f", 6), true},
      {"a PUBLISH to a wildcard", at_connect, text("\x32\x08\0\3a/#\0\1\0", 10), true},
      {"a PUBLISH to nothing", at_connect, text("\x32\x05\0\0\0\1\0", 7), true},
      {"a PUBLISH with a NUL in its topic", at_connect, text("\x32\x08\0\3a\0b\0\1\0", 10), true},
      {"a PUBLISH with bad UTF-8", at_connect, text("\x32\x07\0\2\xc0\x80\0\1\0", 9), true},
      {"a PUBLISH whose topic is longer than it", at_connect, text("\x32\x04\xff\xff\0\1", 6),
       true},
      // Not a PUBLISH with an unknown property: an assertion of libmosquitto 2.0.11 ends the
      // process (log__printf without its object).
      {"a PUBLISH at QoS 3", at_connect, text("\x36\x08\0\3a/b\0\1\0", 10), true},
      {"a topic alias nobody made", at_connect, text("\x30\x06\0\0\3\x23\0\7", 8), true},
      {"a PUBLISH before the CONNACK", at_connect, text("\x30\x06\0\3a/b\0", 8), false, true},
      {"a second CONNACK", at_connect, text("\x20\x03\0\0\0", 5), true},
      {"a CONNECT", at_connect, text("\x10\x0d\0\4MQTT\5\2\0\x3c\0\0\0", 15), true},
      {"a SUBSCRIBE", at_connect, text("\x82\x07\0\1\0\0\1a\0", 9), true},
      {"half a packet and the end", at_connect, text("\x32\x20\0\3a", 5), true, true},
      {"zeros", at_connect, std::string(64, '\0'), true},
      {"an answer of another protocol", at_connect, "HTTP/1.1 400 Bad Request\r\n\r\n"},
  };
  for (const int code : {0x80, 0x82, 0x85, 0x87, 0x88, 0x8a, 0x95, 0x97, 0x9c, 0x9f}) {
    all.push_back({"CONNACK with a refusal", at_connect,
                   text("\x20\x03\0", 3) + static_cast<char>(code) + text("\0", 1), false, true});
  }
  return all;
}

// Everything works: a message comes in and is acknowledged, one goes out and is answered.
void check_works(broker_world& world, scripted_server& server) {
  REQUIRE(world.until([&] { return world.up && !world.captured.empty(); }, 60s));
  REQUIRE(world.until([&] { return server.count(type::puback) > 0; }));
  REQUIRE(world.publish(77, make_message("out", "x")));
  REQUIRE(world.until([&] { return world.published.contains(77); }));
}

}  // namespace

TEST_CASE("broker: after every misbehaviour the next connection does all its work") {
  for (const misbehaviour& each : misbehaviours()) {
    CAPTURE(each.name, hex(each.answer));
    broker_world world({});
    world.filters = {"a/#"};
    world.settings.broker.protocol = mqtt_protocol::v5;
    scripted_server server(world.io, [&](const packet& in) -> reply {
      std::string right;
      if (in.type == type::connect) right = connack(in, in.connection > 0);
      if (in.type == type::subscribe) {
        right = suback(in, true, 1);
        // Behind every SUBACK of a good connection comes a message.
        if (in.connection > 0) right += publish_packet(1, "hello");
      }
      if (in.type == type::publish) right = puback_for(in);
      if (in.connection > 0 || in.type != each.at) return {right};
      return {(each.right_first ? right : "") + each.answer, each.close};
    });
    world.settings.broker.server = server.address();
    world.start();
    // Whatever the library makes of the first connection: it is given up, by us or by the broker.
    const auto given_up = [&] { return !world.downs.empty(); };
    if (!world.until(given_up, 500ms)) server.close_all();
    REQUIRE(world.until(given_up));
    world.captured.clear();
    check_works(world, server);
    CHECK(world.published.at(77) == 0);
  }
}

TEST_CASE("broker: whatever little a CONNACK allows, we work within it") {
  struct limit {
    const char* name;
    std::string properties;
    std::vector<const char*> weaker = {};  // each promise and the setting that mends it
  };
  const std::vector<limit> limits = {
      {"Receive Maximum 1", text("\x21\0\1", 3), {"max_inflight_messages"}},
      {"Maximum Packet Size 100", text("\x27\0\0\0\x64", 5), {"100 bytes", "max_packet_size"}},
      {"Maximum QoS 0", text("\x24\0", 2), {"QoS 0 only", "max_qos"}},
      {"Maximum QoS 1", text("\x24\1", 2)},
      {"Retain not available", text("\x25\0", 2), {"no retained messages", "retain_available"}},
      {"Wildcard subscriptions not available", text("\x28\0", 2), {"no filter with + or #"}},
      {"Subscription identifiers not available", text("\x29\0", 2), {"overlap"}},
      {"Shared subscriptions not available", text("\x2a\0", 2)},
      {"Topic Alias Maximum 0", text("\x22\0\0", 3)},
      {"Session Expiry 0", text("\x11\0\0\0\0", 5), {"for 0 s", "session_expiry"}},
      {"Session Expiry 2^32 - 1", text("\x11\xff\xff\xff\xff", 5)},
      {"Server Keep Alive 900", text("\x13\x03\x84", 3), {"keepalive of 900 s"}},
      {"Server Keep Alive 1", text("\x13\0\1", 3)},
  };
  for (const limit& each : limits) {
    CAPTURE(each.name);
    broker_world world({});
    world.filters = {"a/#"};
    world.settings.broker.protocol = mqtt_protocol::v5;
    scripted_server server(world.io, [&](const packet& in) -> reply {
      if (in.type == type::connect) {
        const auto size = static_cast<char>(each.properties.size());
        return {std::string("\x20") + static_cast<char>(each.properties.size() + 3) +
                text("\0\0", 2) + size + each.properties};
      }
      if (in.type == type::subscribe) return {suback(in, true, 1) + publish_packet(1, "hello")};
      if (in.type == type::publish) return {puback_for(in)};
      return {};
    });
    world.settings.broker.server = server.address();
    world.start();
    REQUIRE(world.until([&] { return world.up && !world.captured.empty(); }));
    REQUIRE(world.publish(77, make_message("out", "x")));
    REQUIRE(world.until([&] { return world.published.contains(77); }));
    const auto& weaker = world.sessions.back().weaker;
    REQUIRE(weaker.size() == (each.weaker.empty() ? 0 : 1));
    for (const char* words : each.weaker) CHECK_THAT(weaker.front(), Catch::Contains(words));
    if (std::string_view(each.name) == "Receive Maximum 1") {
      CHECK(world.sessions.back().publishes_inflight_max == 1);
    }
    if (std::string_view(each.name) == "Maximum Packet Size 100") {
      CHECK_FALSE(world.publish(78, make_message("out", std::string(200, 'x'))));
    }
  }
}

TEST_CASE(
    "broker: thrown out again and again, it names a duplicate client id as the likely cause") {
  broker_world world({});
  scripted_server server(world.io, [](const packet& in) -> reply {
    return in.type == type::connect ? reply{connack(in, true), true} : reply{};
  });
  world.settings.broker.server = server.address();
  world.start();
  REQUIRE(world.until([&] { return world.downs.size() == 3; }));
  CHECK_THAT(world.downs[0].first.text, !Catch::Contains("duplicate_client_id"));
  CHECK_THAT(world.downs[1].first.text, !Catch::Contains("duplicate_client_id"));
  CHECK_THAT(world.downs[2].first.text, Catch::Contains("duplicate_client_id"));
  CHECK_THAT(world.downs[2].first.text, Catch::Contains("mqtt-linkd-paris"));
}

TEST_CASE(
    "broker: what its make does not carry is refused before it is sent, what is weaker told") {
  broker_world world({});
  world.settings.broker.profile = broker_profile::rabbitmq;
  scripted_server server(world.io, [](const packet& in) -> reply {
    if (in.type == type::connect) return {connack(in, true)};
    if (in.type == type::publish) return {puback_for(in)};
    return {};
  });
  world.settings.broker.server = server.address();
  world.start();
  REQUIRE(world.until_up());
  REQUIRE(world.sessions.back().weaker.size() == 1);
  CHECK_THAT(world.sessions.back().weaker.front(), Catch::Contains("mqtt.subscription_ttl"));
  const auto refused = world.adapter->publish(1, make_message("a.b", "x"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == errc::invalid);
  CHECK_THAT(refused.error().text, Catch::Contains("under another name"));
  REQUIRE(world.publish(2, make_message("a/b", "x")));
  REQUIRE(world.until([&] { return world.published.contains(2); }));
  CHECK(server.count(type::publish) == 1);
}

TEST_CASE("broker: one that closes on MQTT 5 is taken with 3.1.1, and what that may mean is told") {
  broker_world world({});
  scripted_server server(world.io, [](const packet& in) -> reply {
    if (in.type != type::connect) return {};
    if (in.connection == 0) return {"", true};
    return {text("\x20\x02\0\0", 4)};
  });
  world.settings.broker.server = server.address();
  world.start();
  REQUIRE(world.until_up());
  REQUIRE(world.sessions.back().weaker.size() == 2);
  CHECK_THAT(world.sessions.back().weaker[0], Catch::Contains("MQTT 3.1.1 hides"));
  CHECK_THAT(world.sessions.back().weaker[1], Catch::Contains("set broker.profile"));
}

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/e2e/site.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/mqtt_peer.hpp"

using namespace linkd;
using namespace linkd::test;

namespace {

std::string random_bytes(std::size_t size) {
  std::mt19937 random(static_cast<std::mt19937::result_type>(size));
  std::string made(size, '\0');
  for (char& byte : made) byte = static_cast<char>(random());
  return made;
}

publish_properties every_property() {
  publish_properties all;
  all.payload_format_indicator = 1;
  all.message_expiry_interval_s = 3600;
  all.content_type = "text/plain; charset=utf-8";
  all.response_topic = "réponse/à";
  all.correlation_data = random_bytes(64);
  all.user_properties = {{"k", "1"},      {"K", ""},  {"k", "2"},
                         {"", "no name"}, {"k", "1"}, {"ä", "ö"}};
  return all;
}

// Each on a topic of its own.
std::vector<message> everything_that_must_not_change() {
  std::vector<message> all;
  for (const std::size_t size : {0, 1, 127, 128, 16384, 1 << 20}) {
    for (const int qos : {0, 1}) {
      for (const bool retain : {false, true}) {
        message made;
        made.topic = "size/" + std::to_string(size) + "/qos/" + std::to_string(qos) +
                     (retain ? "/retained" : "/live");
        made.payload = random_bytes(size);
        made.qos = static_cast<std::uint8_t>(qos);
        made.retain = retain;
        if (size == 128) made.properties = every_property();
        all.push_back(made);
      }
    }
  }
  const strings topics = {"ünïcödé/日本語/🚀",
                          "/leading",
                          "trailing/",
                          "a//b",
                          "//",
                          "/",
                          "with space/and.dot",
                          "\"'\\",
                          "x\xef\xbf\xbdy",
                          std::string(1000, 'l')};
  for (const std::string& topic : topics) {
    message made;
    made.topic = topic;
    made.payload = "on " + topic;
    made.qos = 1;
    all.push_back(made);
  }
  message only_names;
  only_names.topic = "properties/one";
  only_names.qos = 1;
  only_names.properties.user_properties = {{"only", "this"}};
  all.push_back(only_names);
  return all;
}

// The time spent is taken off; the rest of the message must be as published.
void take_off_expiry(message& arrived, const message& published) {
  auto& left = arrived.properties.message_expiry_interval_s;
  const auto& given = published.properties.message_expiry_interval_s;
  if (!given) return;
  REQUIRE(left.has_value());
  CHECK(*left <= *given);
  CHECK(*left + 60 > *given);
  left = given;
}

}  // namespace

TEST_CASE("fidelity: topic, payload, QoS, retain flag and every property arrive as published") {
  const auto how = GENERATE(transport::mqtt, transport::ws);
  CAPTURE(how);
  site a("A");
  site b("B");
  a.write_link("B", b.door(how), {});
  b.write_link("A", a.door(how), {"#"});
  a.start_daemon();
  b.start_daemon();
  REQUIRE(eventually(patience, [&] { return linked(a, b) && a.captures("#"); }));
  mqtt_peer at_a({.port = a.broker_port(), .client_id = "client"});
  mqtt_peer at_b({.port = b.broker_port(), .client_id = "client", .filters = {"#"}});

  std::map<std::string, message> published;
  for (const message& what : everything_that_must_not_change()) {
    published[what.topic] = what;
    at_a.publish(what);
  }
  REQUIRE(at_b.await_arrivals(published.size(), patience));
  for (message& arrived : at_b.arrivals()) {
    CAPTURE(arrived.topic);
    REQUIRE(published.contains(arrived.topic));
    const message& expected = published[arrived.topic];
    take_off_expiry(arrived, expected);
    CHECK(arrived.qos == expected.qos);
    CHECK(arrived.retain == expected.retain);
    CHECK((arrived.payload == expected.payload));  // not printed: perhaps 1 MiB of noise
    CHECK((arrived.properties == expected.properties));
    published.erase(arrived.topic);
  }
  CHECK(published.empty());
}

TEST_CASE("fidelity: QoS 2 is carried as QoS 1") {
  const auto how = GENERATE(transport::mqtt, transport::ws);
  CAPTURE(how);
  site a("A");
  site b("B");
  a.write_link("B", b.door(how), {});
  b.write_link("A", a.door(how), {"twice"});
  a.start_daemon();
  b.start_daemon();
  REQUIRE(eventually(patience, [&] { return linked(a, b) && a.captures("twice"); }));
  mqtt_peer at_a({.port = a.broker_port(), .client_id = "client"});
  mqtt_peer at_b({.port = b.broker_port(), .client_id = "client", .filters = {"#"}});
  message what;
  what.topic = "twice";
  what.payload = "checked";
  what.qos = 2;
  at_a.publish(what);
  REQUIRE(at_b.await_arrivals(1, patience));
  CHECK(at_b.arrivals().front().qos == 1);
  CHECK(at_b.arrivals().front().payload == "checked");
}

TEST_CASE("fidelity: a message that waits too long for the line expires and is counted") {
  const auto how = GENERATE(transport::mqtt, transport::ws);
  CAPTURE(how);
  site a("A");
  site b("B");
  a.write_link("B", b.door(how), {});
  b.write_link("A", a.door(how), {"news"});
  a.start_daemon();
  b.start_daemon();
  REQUIRE(eventually(patience, [&] { return linked(a, b) && a.captures("news"); }));
  REQUIRE(b.stop_daemon() == 0);
  mqtt_peer at_a({.port = a.broker_port(), .client_id = "client"});
  mqtt_peer at_b({.port = b.broker_port(), .client_id = "client", .filters = {"#"}});
  message short_lived;
  short_lived.topic = "news";
  short_lived.payload = "old";
  short_lived.qos = 1;
  short_lived.properties.message_expiry_interval_s = 1;
  message lasting = short_lived;
  lasting.payload = "new";
  lasting.properties.message_expiry_interval_s = 600;
  at_a.publish(short_lived);
  at_a.publish(lasting);
  REQUIRE(eventually(patience, [&] { return a.waiting_for("B") == 2; }));
  const auto stored = std::chrono::steady_clock::now();
  REQUIRE(eventually(patience, [&] {
    return std::chrono::steady_clock::now() - stored > std::chrono::milliseconds(2500);
  }));
  b.start_daemon();
  REQUIRE(at_b.await_arrivals(1, patience));
  REQUIRE(eventually(patience, [&] { return a.waiting_for("B") == 0; }));
  REQUIRE(at_b.arrived() == 1);
  const message arrived = at_b.arrivals().front();
  CHECK(arrived.payload == "new");
  CHECK(arrived.properties.message_expiry_interval_s.value_or(0) < 600);
  CHECK(a.metric("mqtt_linkd_messages_dropped_total", {"reason=\"expired\""}) +
            b.metric("mqtt_linkd_messages_dropped_total", {"reason=\"expired\""}) ==
        1);
}

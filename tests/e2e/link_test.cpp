#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "tests/e2e/ledger.hpp"
#include "tests/e2e/site.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/mqtt_peer.hpp"

using namespace linkd;
using namespace linkd::test;

namespace {

message text(std::string topic, std::string payload) {
  message made;
  made.topic = std::move(topic);
  made.payload = std::move(payload);
  made.qos = 1;
  return made;
}

strings payloads(const mqtt_peer& client) {
  strings all;
  for (const message& arrival : client.arrivals()) all.push_back(arrival.payload);
  return all;
}

// Links every site with every other one, each asking for everything, and starts the daemons.
void link_all(const std::vector<site*>& sites, transport how) {
  for (site* one : sites) {
    for (site* other : sites) {
      if (one != other) one->write_link(other->name(), other->door(how), {"#"});
    }
    one->start_daemon();
  }
  for (site* one : sites) {
    for (site* other : sites) {
      if (one != other) REQUIRE(eventually(patience, [&] { return one->link_up(other->name()); }));
    }
    REQUIRE(eventually(patience, [&] { return one->captures("#"); }));
  }
}

// `count` messages published at every site at once arrive at every site exactly once, also after
// everything has come to rest.
void every_message_once_everywhere(const std::vector<site*>& sites, std::size_t count) {
  std::vector<std::unique_ptr<mqtt_peer>> clients;
  for (const site* where : sites) {
    mqtt_peer_settings settings;
    settings.port = where->broker_port();
    settings.client_id = "client";
    settings.filters = {"#"};
    clients.push_back(std::make_unique<mqtt_peer>(settings));
  }
  // The last message of each is published when all others have arrived: behind any echo.
  for (std::size_t i = 0; i + 1 < count; ++i) {
    for (std::size_t from = 0; from < sites.size(); ++from) {
      clients[from]->publish(numbered("from/" + sites[from]->name(), i));
    }
  }
  const std::size_t before_last = (count - 1) * sites.size();
  for (const auto& client : clients) REQUIRE(client->await_arrivals(before_last, patience));
  for (std::size_t from = 0; from < sites.size(); ++from) {
    clients[from]->publish(numbered("from/" + sites[from]->name(), count - 1));
  }
  for (const auto& client : clients)
    REQUIRE(client->await_arrivals(count * sites.size(), patience));

  for (const site* one : sites) {
    for (const site* other : sites) {
      if (one == other) continue;
      CAPTURE(one->name(), other->name());
      const std::string label = "link=\"" + other->name() + '"';
      // More if the connection of the smaller name replaced the other one meanwhile.
      CHECK(one->metric("mqtt_linkd_messages_sent_total", {label}) >= double(count));
      CHECK(one->metric("mqtt_linkd_messages_received_total", {label}) == double(count));
    }
  }
  for (std::size_t to = 0; to < sites.size(); ++to) {
    for (const site* from : sites) {
      CAPTURE(from->name(), sites[to]->name());
      CHECK(compare(count, "from/" + from->name(), clients[to]->arrivals()) == ledger{});
    }
    CHECK(clients[to]->arrived() == count * sites.size());
  }
}

}  // namespace

TEST_CASE("link: each side gets what it wants, no topics make it one-way, a reload undoes that") {
  const auto how = GENERATE(transport::mqtt, transport::ws);
  CAPTURE(how);
  site a("A");
  site b("B");
  a.write_link("B", b.door(how), {"/from-B"});
  b.write_link("A", a.door(how), {"/from-A"});
  a.start_daemon();
  b.start_daemon();
  REQUIRE(eventually(patience, [&] { return linked(a, b); }));
  REQUIRE(eventually(patience, [&] { return a.captures("/from-A") && b.captures("/from-B"); }));
  mqtt_peer at_a({.port = a.broker_port(), .client_id = "client", .filters = {"/from-B"}});
  mqtt_peer at_b({.port = b.broker_port(), .client_id = "client", .filters = {"/from-A"}});

  at_a.publish(text("/from-A", "from A"));
  at_b.publish(text("/from-B", "from B"));
  REQUIRE(at_b.await_arrivals(1, patience));
  REQUIRE(at_a.await_arrivals(1, patience));

  a.write_link("B", b.door(how), {});
  a.reload();
  REQUIRE(eventually(patience, [&] { return !b.captures("/from-B"); }));
  at_b.publish(text("/from-B", "not wanted"));
  REQUIRE(at_b.await_accepted(2, patience));
  at_a.publish(text("/from-A", "still from A"));
  REQUIRE(at_b.await_arrivals(2, patience));

  a.write_link("B", b.door(how), {"/from-B"});
  a.reload();
  REQUIRE(eventually(patience, [&] { return b.captures("/from-B"); }));
  at_b.publish(text("/from-B", "wanted again"));
  REQUIRE(at_a.await_arrivals(2, patience));

  CHECK(payloads(at_a) == strings{"from B", "wanted again"});
  CHECK(payloads(at_b) == strings{"from A", "still from A"});
  CHECK(a.daemon().running());
}

TEST_CASE("link: of a hundred topics only the one that the peer wants crosses, once") {
  const auto how = GENERATE(transport::mqtt, transport::ws);
  CAPTURE(how);
  site a("A");
  site b("B");
  a.write_link("B", b.door(how), {});
  b.write_link("A", a.door(how), {"t/42"});
  a.start_daemon();
  b.start_daemon();
  REQUIRE(eventually(patience, [&] { return linked(a, b) && a.captures("t/42"); }));
  mqtt_peer at_a({.port = a.broker_port(), .client_id = "client"});
  mqtt_peer at_b({.port = b.broker_port(), .client_id = "client", .filters = {"#"}});

  for (int i = 0; i < 100; ++i) {
    at_a.publish(text("t/" + std::to_string(i), "message " + std::to_string(i)));
  }
  at_a.publish(text("t/42", "last"));
  REQUIRE(at_b.await_arrivals(2, patience));
  CHECK(payloads(at_b) == strings{"message 42", "last"});
  // It may arrive before its commit has ended.
  CHECK(eventually(patience, [&] { return a.metric("mqtt_linkd_messages_captured_total") == 2; }));
  CHECK(a.metric("mqtt_linkd_messages_sent_total", {"link=\"B\""}) == 2);
  CHECK(b.metric("mqtt_linkd_messages_received_total", {"link=\"A\""}) == 2);
}

TEST_CASE("link: one reachable broker is enough for both directions, whichever it is") {
  const auto how = GENERATE(transport::mqtt, transport::ws);
  CAPTURE(how);
  const bool a_dials = GENERATE(true, false);
  CAPTURE(a_dials);
  site a("A");
  site b("B");
  a.write_link("B", a_dials ? b.door(how) : "", {"#"});
  b.write_link("A", a_dials ? "" : a.door(how), {"#"});
  a.start_daemon();
  b.start_daemon();
  REQUIRE(eventually(patience, [&] { return linked(a, b); }));
  REQUIRE(eventually(patience, [&] { return a.captures("#") && b.captures("#"); }));
  every_message_once_everywhere({&a, &b}, 100);
}

TEST_CASE("link: with # on both sides every message is everywhere once, without echo") {
  const auto how = GENERATE(transport::mqtt, transport::ws);
  CAPTURE(how);
  site a("A");
  site b("B");
  link_all({&a, &b}, how);
  every_message_once_everywhere({&a, &b}, 500);
}

TEST_CASE("link: in a triangle with # every message is everywhere once, without echo or storm") {
  const auto how = GENERATE(transport::mqtt, transport::ws);
  CAPTURE(how);
  site a("A");
  site b("B");
  site c("C");
  link_all({&a, &b, &c}, how);
  every_message_once_everywhere({&a, &b, &c}, 300);
}

TEST_CASE("link: with MQTT 3.1.1 local brokers and overlapping filters nothing echoes") {
  const auto how = GENERATE(transport::mqtt, transport::ws);
  CAPTURE(how);
  site a("A", "  protocol: 3.1.1\n");
  site b("B", "  protocol: 3.1.1\n");
  link_all({&a, &b}, how);
  every_message_once_everywhere({&a, &b}, 500);
}

TEST_CASE("link: with MQTT 3.1.1 identical messages published at both sides at once all arrive") {
  const auto how = GENERATE(transport::mqtt, transport::ws);
  CAPTURE(how);
  site a("A", "  protocol: 3.1.1\n");
  site b("B", "  protocol: 3.1.1\n");
  link_all({&a, &b}, how);
  mqtt_peer at_a({.port = a.broker_port(), .client_id = "client", .filters = {"#"}});
  mqtt_peer at_b({.port = b.broker_port(), .client_id = "client", .filters = {"#"}});
  constexpr std::size_t each = 300;
  for (std::size_t i = 0; i < each; ++i) {
    at_a.publish(text("same/topic", "same payload"));
    at_b.publish(text("same/topic", "same payload"));
  }
  REQUIRE(at_a.await_arrivals(2 * each, patience));
  REQUIRE(at_b.await_arrivals(2 * each, patience));
  at_a.publish(text("same/topic", "last"));
  REQUIRE(at_b.await_arrivals(2 * each + 1, patience));
  at_b.publish(text("same/topic", "last"));
  REQUIRE(at_a.await_arrivals(2 * each + 2, patience));
  REQUIRE(at_b.await_arrivals(2 * each + 2, patience));
  for (const site* one : {&a, &b}) {
    // More if the connection of the smaller name replaced the other one meanwhile.
    CHECK(one->metric("mqtt_linkd_messages_sent_total") >= double(each + 1));
    CHECK(one->metric("mqtt_linkd_messages_received_total") == double(each + 1));
  }
  CHECK(at_a.arrived() == 2 * each + 2);
  CHECK(at_b.arrived() == 2 * each + 2);
}

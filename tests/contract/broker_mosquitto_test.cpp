// The broker port against a real mosquitto.
#include <catch2/catch.hpp>

#include "tests/contract/broker_world.hpp"
#include "tests/support/mosquitto_broker.hpp"
#include "tests/support/mqtt_peer.hpp"

using namespace linkd;
using namespace linkd::test;
using namespace std::chrono_literals;

namespace {

const std::string roomy = "max_queued_messages 0\nset_tcp_nodelay true\n";

mqtt_peer_settings peer_of(const mosquitto_broker& broker, const std::string& id,
                           std::vector<std::string> filters = {}) {
  mqtt_peer_settings out;
  out.port = broker.port();
  out.client_id = id;
  out.filters = std::move(filters);
  return out;
}

// Subscriptions leave after on_broker_up(): publishes until one of these comes through.
void await_subscribed(broker_world& world, mqtt_peer& peer, const std::string& topic) {
  REQUIRE(world.until_up());
  const std::size_t before = world.captured.size();
  REQUIRE(world.until([&] {
    peer.publish(make_message(topic, "probe"));
    return world.until([&] { return world.captured.size() > before; }, 50ms);
  }));
  peer.publish(make_message(topic, "ready"));  // behind the probes that are still on their way
  REQUIRE(world.until([&] { return world.captured.back().payload == "ready"; }));
  world.captured.clear();
}

std::vector<std::string> numbers(int from, int to) {
  std::vector<std::string> out;
  for (int i = from; i < to; ++i) out.push_back(std::to_string(i));
  return out;
}

}  // namespace

TEST_CASE("broker: messages that were not committed come again, the others do not") {
  mosquitto_broker broker(roomy);
  broker_world world(broker.address());
  world.filters = {"a/#"};
  mqtt_peer peer(peer_of(broker, "peer"));
  world.start();
  await_subscribed(world, peer, "a/probe");

  world.commit_at_once = false;
  for (const auto& each : numbers(0, 50)) peer.publish(make_message("a/b", each));
  REQUIRE(world.until([&] { return !world.captured.empty(); }));
  REQUIRE(peer.await_accepted(50, 10s));
  world.adapter.reset();  // as kill -9 would end it: nothing more is written

  world.captured.clear();
  world.commit_at_once = true;
  world.start();
  REQUIRE(world.until([&] { return world.captured.size() >= 50; }));
  CHECK(world.payloads() == numbers(0, 50));
  REQUIRE(world.until_up());
  CHECK(world.sessions.back().session_present);

  world.stop_in_good_order();
  world.captured.clear();
  world.adapter->start(world);
  await_subscribed(world, peer, "a/probe");  // would have come behind them
  CHECK(world.captured.empty());
}

TEST_CASE("broker: commit_done(false) leaves the messages with the broker until start()") {
  mosquitto_broker broker(roomy);
  broker_world world(broker.address());
  world.filters = {"a/#"};
  mqtt_peer peer(peer_of(broker, "peer"));
  world.start();
  await_subscribed(world, peer, "a/probe");
  world.commit_at_once = false;
  peer.publish(make_message("a/b", "kept"));
  REQUIRE(world.until([&] { return !world.captured.empty(); }));
  world.adapter->commit_done(false);
  world.io.restart();
  world.io.run();  // comes to an end: no attempt, no timer, no event
  CHECK(world.downs.empty());
  world.captured.clear();
  world.commit_at_once = true;
  world.adapter->start(world);
  REQUIRE(world.until([&] { return !world.captured.empty(); }));
  CHECK(world.payloads() == std::vector<std::string>{"kept"});
}

TEST_CASE("broker: what we publish reaches others and does not come back") {
  const auto protocol = GENERATE(mqtt_protocol::automatic, mqtt_protocol::v311);
  CAPTURE(static_cast<int>(protocol));
  mosquitto_broker broker(roomy);
  broker_world world(broker.address());
  world.settings.broker.protocol = protocol;
  world.filters = {"a/#", "+/b"};
  mqtt_peer peer(peer_of(broker, "peer", {"a/#"}));
  world.start();
  await_subscribed(world, peer, "a/probe");
  CHECK(world.sessions.back().mqtt5 == (protocol == mqtt_protocol::automatic));
  peer.forget_arrivals();

  // Both ways with one content, interleaved.
  publication_id id = 0;
  std::size_t foreign = 0;
  REQUIRE(world.until([&] {
    if (id < 3000 && id - world.published.size() < 100) {
      ++id;
      REQUIRE(world.publish(id, make_message("a/b", "same", id % 7 ? 1 : 0)));
    }
    if (foreign < 2000) {
      peer.publish(make_message("a/b", "same"));
      ++foreign;
    }
    return world.published.size() == 3000 && world.captured.size() >= 2000;
  }));
  peer.publish(make_message("a/b", "last"));
  REQUIRE(world.until([&] { return world.captured.back().payload == "last"; }));
  CHECK(world.captured.size() == 2001);
  CHECK(peer.await_arrivals(5001, 10s));
  for (const auto& [which, code] : world.published) CHECK(code < 0x80);
}

TEST_CASE("broker: overlapping filters bring one copy of each message, in order") {
  const auto protocol = GENERATE(mqtt_protocol::v5, mqtt_protocol::v311);
  CAPTURE(static_cast<int>(protocol));
  mosquitto_broker broker(roomy);
  broker_world world(broker.address());
  world.settings.broker.protocol = protocol;
  world.filters = {"a/#", "+/b", "+/+/c"};
  mqtt_peer peer(peer_of(broker, "peer"));
  world.start();
  await_subscribed(world, peer, "a/probe");
  for (int i = 0; i < 300; ++i)
    peer.publish(make_message(i % 2 ? "a/b" : "a/x/c", std::to_string(i)));
  REQUIRE(world.until([&] { return world.captured.size() >= 300; }));
  peer.publish(make_message("a/b", "last"));
  REQUIRE(world.until([&] { return world.captured.back().payload == "last"; }));
  auto expected = numbers(0, 300);
  expected.push_back("last");
  CHECK(world.payloads() == expected);
}

TEST_CASE("broker: while overlapping filters come and go nothing is lost or repeated") {
  mosquitto_broker broker(roomy);
  broker_world world(broker.address());
  world.filters = {"a/#"};
  auto settings = peer_of(broker, "peer");
  settings.messages_per_s_max = 4000;
  mqtt_peer peer(settings);
  world.start();
  await_subscribed(world, peer, "a/probe");
  const int total = 8000;
  for (const auto& each : numbers(0, total)) peer.publish(make_message("a/b", each));
  const std::vector<std::vector<std::string>> sets{{"#"},          {"a/#", "+/b"}, {"+/b"},
                                                   {"a/b", "+/x"}, {"a/+", "+/b"}, {"a/#"}};
  std::size_t turn = 0;
  std::size_t next_change = 100;
  REQUIRE(world.until([&] {
    if (world.captured.size() >= next_change) {
      next_change += 50;
      world.adapter->capture(sets[turn++ % sets.size()]);
    }
    return world.captured.size() >= static_cast<std::size_t>(total);
  }));
  CHECK(turn > 100);
  peer.publish(make_message("a/b", "last"));
  REQUIRE(world.until([&] { return world.captured.back().payload == "last"; }));
  auto expected = numbers(0, total);
  expected.push_back("last");
  CHECK(world.payloads() == expected);
}

TEST_CASE("broker: flag and properties of a live message arrive unchanged, both ways") {
  mosquitto_broker broker(roomy);
  broker_world world(broker.address());
  world.filters = {"in/#"};
  mqtt_peer peer(peer_of(broker, "peer", {"out/#"}));
  world.start();
  await_subscribed(world, peer, "in/probe");
  message full = make_message("in/x", bytes("\0\xff binary", 9));
  full.retain = true;
  full.properties.payload_format_indicator = 0;
  full.properties.message_expiry_interval_s = 3600;
  full.properties.content_type = "application/x-thing";
  full.properties.response_topic = "answers";
  full.properties.correlation_data = bytes("\0\1", 2);
  full.properties.user_properties = {{"k", "1"}, {"k", "2"}, {"a", ""}};
  peer.publish(full);
  REQUIRE(world.until([&] { return !world.captured.empty(); }));
  CHECK(world.captured.front() == full);

  full.topic = "out/x";
  REQUIRE(world.publish(1, full));
  REQUIRE(world.until([&] { return !world.published.empty(); }));
  REQUIRE(peer.await_arrivals(1, 10s));
  CHECK(peer.arrivals().front() == full);
}

TEST_CASE("broker: stored retained messages are not captured at subscription") {
  const auto protocol = GENERATE(mqtt_protocol::v5, mqtt_protocol::v311);
  CAPTURE(static_cast<int>(protocol));
  mosquitto_broker broker(roomy);
  mqtt_peer peer(peer_of(broker, "peer"));
  message stored = make_message("a/stored", "old");
  stored.retain = true;
  peer.publish(stored);
  REQUIRE(peer.await_accepted(1, 10s));
  broker_world world(broker.address());
  world.settings.broker.protocol = protocol;
  world.filters = {"a/#"};
  world.start();
  REQUIRE(world.until_up());
  REQUIRE(world.until([&] {
    peer.publish(make_message("a/live", "new"));
    return world.until([&] { return !world.captured.empty(); }, 50ms);
  }));
  CHECK(world.captured.front().topic == "a/live");
}

TEST_CASE("broker: a refused publish tells the broker's reason code") {
  temp_dir files;
  write_file(files.path() / "acl", "topic readwrite allowed/#\n");
  mosquitto_broker broker("acl_file " + (files.path() / "acl").string());
  broker_world world(broker.address());
  world.start();
  REQUIRE(world.until_up());
  REQUIRE(world.publish(1, make_message("denied/x", "1")));
  REQUIRE(world.publish(2, make_message("allowed/x", "2")));
  REQUIRE(world.until([&] { return world.published.size() == 2; }));
  CHECK(world.published[1] == 0x87);
  CHECK(world.published[2] < 0x80);
}

TEST_CASE("broker: what can never be published is an error of the call") {
  mosquitto_broker broker("max_packet_size 2000\n");
  broker_world world(broker.address());
  world.start();
  CHECK(world.adapter->publish(1, make_message("a", "x")).error().code == errc::unavailable);
  REQUIRE(world.until_up());
  CHECK(world.adapter->publish(1, make_message("a", bytes(3000, 'x'))).error().code ==
        errc::too_large);
  CHECK(world.adapter->publish(2, make_message("a/#", "x")).error().code == errc::invalid);
  CHECK(world.adapter->publish(3, make_message("\xff", "x")).error().code == errc::invalid);
  REQUIRE(world.publish(4, make_message("a", "x")));
  REQUIRE(world.until([&] { return world.published.contains(4); }));
}

TEST_CASE("broker: a window of publishes is acknowledged one by one") {
  mosquitto_broker broker(roomy);
  broker_world world(broker.address());
  mqtt_peer peer(peer_of(broker, "peer", {"a/#"}));
  world.start();
  REQUIRE(world.until_up());
  const auto window = world.sessions.back().publishes_inflight_max;
  for (publication_id id = 0; id < window; ++id) {
    REQUIRE(world.publish(id, make_message("a/b", std::to_string(id), id % 2 ? 1 : 0)));
  }
  REQUIRE(world.until([&] { return world.published.size() == window; }));
  REQUIRE(peer.await_arrivals(window, 10s));
  std::vector<std::string> got;
  for (const auto& each : peer.arrivals()) got.push_back(each.payload);
  CHECK(got == numbers(0, static_cast<int>(window)));
}

TEST_CASE("broker: a session lost with the broker is told, and capture goes on") {
  mosquitto_broker broker(roomy);
  broker_world world(broker.address());
  world.filters = {"a/#"};
  mqtt_peer peer(peer_of(broker, "peer"));
  world.start();
  await_subscribed(world, peer, "a/probe");
  CHECK(world.sessions.back().session_present);  // there was none that could be missed
  broker.kill();
  REQUIRE(world.until([&] { return !world.up; }));
  CHECK(world.downs.front().second);
  broker.start();
  REQUIRE(world.until_up());
  CHECK_FALSE(world.sessions.back().session_present);
  await_subscribed(world, peer, "a/probe");
}

TEST_CASE("broker: what an earlier run subscribed to and nobody wants any more is unsubscribed") {
  mosquitto_broker broker(roomy);
  broker_world world(broker.address());
  world.filters = {"old/#", "both/#"};
  mqtt_peer peer(peer_of(broker, "peer"));
  world.start();
  await_subscribed(world, peer, "old/probe");
  world.adapter.reset();
  world.up = false;
  world.filters = {"new/#", "both/#"};
  world.start();
  await_subscribed(world, peer, "new/probe");
  REQUIRE(world.until([&] {  // soon, but not at once
    world.captured.clear();
    peer.publish(make_message("old/x", "old"));
    peer.publish(make_message("both/x", "both"));
    REQUIRE(world.until(
        [&] { return !world.captured.empty() && world.captured.back().payload == "both"; }));
    return world.captured.size() == 1;
  }));
}

TEST_CASE("broker: a message over max_message is dropped and counted with MQTT 3.1.1") {
  mosquitto_broker broker(roomy);
  broker_world world(broker.address());
  world.settings.broker.protocol = mqtt_protocol::v311;
  world.settings.broker.message_bytes_max = 1000;
  world.filters = {"a/#"};
  mqtt_peer peer(peer_of(broker, "peer"));
  world.start();
  await_subscribed(world, peer, "a/probe");
  peer.publish(make_message("a/b", bytes(1001, 'x')));
  peer.publish(make_message("a/b", "small"));
  REQUIRE(world.until([&] { return !world.captured.empty(); }));
  CHECK(world.payloads() == std::vector<std::string>{"small"});
  CHECK(world.adapter->oversize_total() == 1);
}

TEST_CASE("broker: the control topics are never captured") {
  mosquitto_broker broker(roomy);
  broker_world world(broker.address());
  world.settings.control_prefix = "link";
  world.filters = {"#"};
  mqtt_peer peer(peer_of(broker, "peer"));
  world.start();
  await_subscribed(world, peer, "a/probe");
  peer.publish(make_message("link/paris/from/london", "frame"));
  peer.publish(make_message("linked", "message"));
  REQUIRE(world.until([&] { return !world.captured.empty(); }));
  CHECK(world.payloads() == std::vector<std::string>{"message"});
}

TEST_CASE("broker: MQTT 3.1.1 without the echo topic is down with that reason") {
  temp_dir files;
  write_file(files.path() / "acl", "topic readwrite a/#\n");
  mosquitto_broker broker("acl_file " + (files.path() / "acl").string());
  broker_world world(broker.address());
  world.settings.broker.protocol = mqtt_protocol::v311;
  world.filters = {"a/in/#"};
  mqtt_peer peer(peer_of(broker, "peer"));
  world.start();
  await_subscribed(world, peer, "a/in/probe");
  // What cannot come back needs no echo topic.
  REQUIRE(world.publish(1, make_message("a/out/x", "1")));
  REQUIRE(world.until([&] { return world.published.size() == 1; }));
  REQUIRE(world.publish(2, make_message("a/in/x", "2")));
  REQUIRE(world.until([&] { return !world.downs.empty(); }));
  CHECK(world.published.size() == 1);
  CHECK_THAT(world.downs.back().first.text, Catch::Contains("$LINK/paris/echo"));
  CHECK_FALSE(world.downs.back().second);
}

TEST_CASE("broker: a resumed 3.1.1 session gives its echoes before we are up again") {
  mosquitto_broker broker(roomy);
  broker_world world(broker.address());
  world.settings.broker.protocol = mqtt_protocol::v311;
  world.filters = {"a/#"};
  mqtt_peer peer(peer_of(broker, "peer"));
  world.start();
  await_subscribed(world, peer, "a/probe");
  for (int round = 0; round < 20; ++round) {
    world.published.clear();
    for (publication_id id = 0; id < 50; ++id) {
      REQUIRE(world.publish(id, make_message("a/b", "same")));
    }
    const auto some = static_cast<std::size_t>(round);
    REQUIRE(world.until([&] { return world.published.size() > some; }));
    world.stop_in_good_order();
    world.adapter->start(world);
    REQUIRE(world.until_up());
    CHECK(world.sessions.back().session_present);
  }
  peer.publish(make_message("a/b", "same"));
  peer.publish(make_message("a/b", "last"));
  REQUIRE(world.until(
      [&] { return !world.captured.empty() && world.captured.back().payload == "last"; }));
  CHECK(world.payloads() == std::vector<std::string>{"same", "last"});
}

TEST_CASE("broker: over a Unix socket") {
  mosquitto_broker broker(roomy + "listener 0 {dir}/m.sock\n");
  broker_world world({scheme::unix_socket, (broker.directory() / "m.sock").string(), 0});
  world.filters = {"a/#"};
  mqtt_peer peer(peer_of(broker, "peer"));
  world.start();
  await_subscribed(world, peer, "a/probe");
  CHECK(world.sessions.size() == 1);
}

TEST_CASE("broker: wrong credentials are told in words, and again at every attempt") {
  mosquitto_broker broker("allow_anonymous false\n");
  broker_world world(broker.address());
  world.start();
  REQUIRE(world.until([&] { return world.downs.size() >= 2; }));
  CHECK(world.downs.front().first.code == errc::refused);
  CHECK_THAT(world.downs.front().first.text, Catch::Contains("broker.username"));
  CHECK_FALSE(world.downs.front().second);
}

TEST_CASE("broker: a second client with our id is suspected after a while") {
  mosquitto_broker broker(roomy);
  broker_world world(broker.address());
  world.start();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(world.until_up());
    const auto downs = world.downs.size();
    mqtt_peer usurper(peer_of(broker, world.settings.broker.client_id));
    REQUIRE(world.until([&] { return world.downs.size() > downs; }));
  }
  CHECK_THAT(world.downs.back().first.text, Catch::Contains("another client"));
}

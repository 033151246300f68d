// The broker port against a real mosquitto: capture and publishing.
#include <catch2/catch.hpp>

#include "tests/contract/mosquitto_world.hpp"

using namespace linkd;
using namespace linkd::test;

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
  const auto window = world.sessions.back().publishes_inflight_max;
  publication_id id = 0;
  std::size_t foreign = 0;
  REQUIRE(world.until([&] {
    if (id < 3000 && id - world.published.size() < window) {
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
  CHECK(peer.await_arrivals(5001, std::chrono::seconds(10)));
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
  REQUIRE(peer.await_arrivals(1, std::chrono::seconds(10)));
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
  REQUIRE(peer.await_accepted(1, std::chrono::seconds(10)));
  broker_world world(broker.address());
  world.settings.broker.protocol = protocol;
  world.filters = {"a/#"};
  world.start();
  REQUIRE(world.until_up());
  REQUIRE(world.until([&] {
    peer.publish(make_message("a/live", "new"));
    return world.until([&] { return !world.captured.empty(); }, std::chrono::milliseconds(50));
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
  REQUIRE(peer.await_arrivals(window, std::chrono::seconds(10)));
  std::vector<std::string> got;
  for (const auto& each : peer.arrivals()) got.push_back(each.payload);
  CHECK(got == numbers(0, static_cast<int>(window)));
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

TEST_CASE("broker: mosquitto is recognised by what it says, a topic that it dies of is refused") {
  mosquitto_broker broker(roomy);
  broker_world world(broker.address());
  world.start();
  REQUIRE(world.until([&] { return std::ranges::count(world.log.events, "broker_profile") == 1; }));
  const auto refused = world.adapter->publish(1, make_message("a/\x01", "x"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == errc::invalid);
  CHECK_THAT(refused.error().text, Catch::Contains("mosquitto"));
  CHECK(world.downs.empty());
}

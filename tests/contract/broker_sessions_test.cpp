// The broker port against a real mosquitto: connections and sessions.
#include <catch2/catch.hpp>

#include "tests/contract/mosquitto_world.hpp"

using namespace linkd;
using namespace linkd::test;

namespace {

// Until nothing of old/# comes any more although it is published.
bool until_withdrawn(broker_world& world, mqtt_peer& peer) {
  return world.until([&] {  // soon, but not at once
    world.captured.clear();
    peer.publish(make_message("old/x", "old"));
    peer.publish(make_message("both/x", "both"));
    REQUIRE(world.until(
        [&] { return !world.captured.empty() && world.captured.back().payload == "both"; }));
    return world.captured.size() == 1;
  });
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
  REQUIRE(peer.await_accepted(50, std::chrono::seconds(10)));
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
  CHECK(until_withdrawn(world, peer));
}

TEST_CASE("broker: what a killed broker brings back of what was withdrawn is unsubscribed again") {
  mosquitto_broker broker(roomy + "persistence true\npersistence_location {dir}/\n");
  broker_world world(broker.address());
  world.settings.broker.protocol = GENERATE(mqtt_protocol::v5, mqtt_protocol::v311);
  world.filters = {"old/#", "both/#"};
  mqtt_peer peer(peer_of(broker, "peer"));
  world.start();
  await_subscribed(world, peer, "old/probe");
  broker.stop();  // it stores both subscriptions
  REQUIRE(world.until([&] { return !world.up; }));
  broker.start();
  await_subscribed(world, peer, "old/probe");
  world.adapter->capture({"both/#"});
  REQUIRE(until_withdrawn(world, peer));
  const bool restarted = GENERATE(false, true);  // in between: what is withdrawn is in the memory
  CAPTURE(restarted);
  if (restarted) {
    world.adapter.reset();
    world.up = false;
    world.filters = {"both/#"};
    world.start();
    REQUIRE(world.until_up());
  }
  broker.kill();  // it has stored nothing since
  REQUIRE(world.until([&] { return !world.up; }));
  broker.start();
  REQUIRE(world.until_up());
  CHECK(world.sessions.back().session_present);
  CHECK(until_withdrawn(world, peer));
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

// The broker port against brokers that behave in ways mosquitto cannot be told to.
#include <algorithm>
#include <catch2/catch.hpp>

#include "mqtt_linkd/limits.hpp"
#include "tests/contract/broker_world.hpp"
#include "tests/contract/scripted_packets.hpp"

using namespace linkd;
using namespace linkd::test;
using namespace std::chrono_literals;

TEST_CASE("broker: MQTT 3.1.1 follows at once where MQTT 5 is refused or the broker just closes") {
  const auto refusal = GENERATE(0, 1, 2);
  CAPTURE(refusal);
  broker_world world({});
  scripted_server server(world.io, [&](const packet& in) -> reply {
    if (in.type != type::connect) return {};
    if (!speaks_mqtt5(in)) return {connack(in, false)};
    if (refusal == 0) return {"", true};                                // RabbitMQ 3.10
    if (refusal == 1) return {std::string("\x20\x02\0\x01", 4), true};  // NATS
    return {std::string("\x20\x03\0\x84\0", 5), true};
  });
  world.settings.broker.server = server.address();
  world.start();
  REQUIRE(world.until_up());
  CHECK_FALSE(world.sessions.back().mqtt5);
  CHECK(server.count(type::connect) == 2);
  CHECK(world.downs.empty());
}

TEST_CASE("broker: with protocol 5 nothing else is tried") {
  broker_world world({});
  scripted_server server(world.io, [](const packet&) { return reply{"", true}; });
  world.settings.broker.server = server.address();
  world.settings.broker.protocol = mqtt_protocol::v5;
  world.start();
  REQUIRE(world.until([&] { return world.downs.size() == 2; }));
  for (const auto& each : server.received) CHECK(speaks_mqtt5(each));
  CHECK_THAT(world.downs.back().first.text, Catch::Contains("broker.protocol"));
  CHECK_FALSE(world.downs.back().second);
}

TEST_CASE("broker: no PUBACK is written before the batch is committed") {
  broker_world world({});
  scripted_server server(world.io, [](const packet& in) -> reply {
    if (in.type == type::connect)
      return {connack(in, true) + publish_packet(1, "x") + publish_packet(2, "y")};
    if (in.type == type::subscribe) return {suback(in, true, 1)};
    return {};
  });
  world.settings.broker.server = server.address();
  world.filters = {"a/#"};
  world.commit_at_once = false;
  world.start();
  REQUIRE(world.until([&] { return world.captured.size() == 2; }));
  // Whatever wants to be written now waits as well; so a second round of everything brings nothing.
  world.adapter->capture({"a/#", "c"});
  for (int i = 0; i < 1000; ++i) world.io.poll_one();
  CHECK(server.count(type::puback) == 0);
  CHECK(server.count(type::subscribe) == 0);
  world.adapter->commit_done(true);
  REQUIRE(world.until([&] { return server.count(type::puback) == 2; }));
  REQUIRE(world.until([&] { return server.count(type::subscribe) == 2; }));
}

TEST_CASE("broker: a message under a name that MQTT forbids is left out, said, and ends nothing") {
  broker_world world({});
  scripted_server server(world.io, [](const packet& in) -> reply {
    if (in.type != type::connect) return {};
    std::string forbidden = publish_packet(1, "x");
    forbidden.replace(forbidden.find("a/b"), 3, "a+b");  // as RabbitMQ makes of a*b
    return {connack(in, true) + forbidden + publish_packet(2, "y")};
  });
  world.settings.broker.server = server.address();
  world.start();
  REQUIRE(world.until([&] { return server.count(type::puback) == 2; }));
  CHECK(world.payloads() == std::vector<std::string>{"y"});
  CHECK(std::ranges::count(world.log.events, "not_captured") == 1);
  CHECK(world.downs.empty());
}

TEST_CASE("broker: what is committed is acknowledged before more is captured") {
  broker_world world({});
  scripted_server server(world.io, [](const packet& in) -> reply {
    if (in.type != type::connect) return {};
    std::string out = connack(in, true);
    for (std::size_t i = 1; i <= 2 * limits::capture_batch_messages_max; ++i) {
      out += publish_packet(static_cast<std::uint16_t>(i), "x");
    }
    return {out};
  });
  world.settings.broker.server = server.address();
  world.commit_at_once = false;
  world.start();
  REQUIRE(world.until([&] { return world.batches == 1; }));
  const std::size_t first = world.captured.size();
  for (int i = 0; i < 1000; ++i) world.io.poll_one();  // what wanted to be written before waits
  world.adapter->commit_done(true);
  REQUIRE(world.until([&] { return world.batches == 2; }));
  CHECK(world.until([&] { return server.count(type::puback) == first; }));
}

TEST_CASE("broker: the answer to a batch of an earlier connection does not open the gate") {
  broker_world world({});
  scripted_server server(world.io, [](const packet& in) -> reply {
    if (in.type == type::connect) return {connack(in, true) + publish_packet(1, "x")};
    return {};
  });
  world.settings.broker.server = server.address();
  world.commit_at_once = false;
  world.start();
  REQUIRE(world.until([&] { return world.captured.size() == 1; }));
  world.adapter->stop();
  world.adapter->start(world);
  REQUIRE(world.until([&] { return world.captured.size() == 2; }));
  world.adapter->commit_done(true);
  for (int i = 0; i < 1000; ++i) world.io.poll_one();
  CHECK(server.count(type::puback) == 0);
  world.adapter->commit_done(true);
  REQUIRE(world.until([&] { return server.count(type::puback) == 1; }));
}

TEST_CASE(
    "broker: what was in flight is not sent again by itself, and the loss blames the broker") {
  broker_world world({});
  scripted_server server(world.io, [](const packet& in) -> reply {
    if (in.type == type::connect) return {connack(in, in.connection > 0)};
    if (in.type == type::publish && in.connection == 0) return {"", true};
    if (in.type == type::publish) return {puback_for(in)};
    return {};
  });
  world.settings.broker.server = server.address();
  world.start();
  REQUIRE(world.until_up());
  REQUIRE(world.publish(1, make_message("a", "lost")));
  REQUIRE(world.until([&] { return !world.up; }));
  CHECK(world.downs.back().second);
  REQUIRE(world.until_up());
  REQUIRE(world.publish(2, make_message("a", "next")));
  REQUIRE(world.until([&] { return world.published.contains(2); }));
  CHECK(server.count(type::publish) == 2);
  CHECK_FALSE(world.published.contains(1));
}

TEST_CASE("broker: a refused filter is named with its reason code") {
  broker_world world({});
  scripted_server server(world.io, [](const packet& in) -> reply {
    if (in.type == type::connect) return {connack(in, false)};
    if (in.type == type::subscribe) return {suback(in, true, 0x87)};
    return {};
  });
  world.settings.broker.server = server.address();
  world.filters = {"secret/#"};
  world.start();
  REQUIRE(world.until([&] { return !world.refused.empty(); }));
  CHECK(world.refused.size() == 1);
  CHECK(world.refused.front().first == "secret/#");
  CHECK(world.refused.front().second == 0x87);
}

TEST_CASE("broker: a subscription asks for No Local, Retain As Published, nothing stored, QoS 1") {
  broker_world world({});
  scripted_server server(world.io, [](const packet& in) -> reply {
    if (in.type == type::connect) return {connack(in, false)};
    if (in.type == type::subscribe) return {suback(in, true, 1)};
    return {};
  });
  world.settings.broker.server = server.address();
  world.filters = {"a/#"};
  world.start();
  REQUIRE(world.until([&] { return server.count(type::subscribe) == 1; }));
  const std::string& body = server.received.back().body;
  CHECK(body.substr(2) == std::string("\x02\x0b\x01\0\3a/#\x2d", 9));  // identifier 1; 0x2d
}

TEST_CASE("broker: nonsense from the broker ends the connection, not the daemon") {
  const std::string nonsense =
      GENERATE(std::string("\xf0\0", 2), std::string("\x20\xff\xff\xff\xff\x7f", 6),
               std::string("\x90\x02\0\x07", 4), std::string("\x32\x02\0\x09", 4),
               std::string("\x30\x05\0\0\0ab", 7), std::string("\0\0\0\0", 4));
  broker_world world({});
  scripted_server server(world.io, [&](const packet& in) -> reply {
    if (in.type == type::connect) return {connack(in, false) + nonsense};
    return {};
  });
  world.settings.broker.server = server.address();
  world.start();
  REQUIRE(world.until([&] { return !world.sessions.empty(); }));
  for (int i = 0; i < 200; ++i) world.io.poll_one();
  CHECK(world.published.empty());
  CHECK(world.captured.empty());
}

TEST_CASE("broker: nobody listening is told with the address, and attempts go on") {
  broker_world world({scheme::mqtt, "127.0.0.1", 1});
  world.start();
  REQUIRE(world.until([&] { return world.downs.size() >= 2; }));
  CHECK_THAT(world.downs.front().first.text, Catch::Contains("mqtt://127.0.0.1:1"));
  CHECK_FALSE(world.downs.front().second);
}

TEST_CASE("broker: can be destroyed while it connects") {
  broker_world world({scheme::mqtt, "127.0.0.1", 1});
  world.start();
  world.adapter.reset();
  world.start();
  world.io.poll();
  const std::size_t told = world.downs.size();  // none, or one if the refusal was quick
  world.adapter.reset();
  world.io.restart();
  world.io.run();
  CHECK(world.downs.size() == told);
}

#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "tests/contract/broker_world.hpp"
#include "tests/support/mosquitto_broker.hpp"
#include "tests/support/mqtt_peer.hpp"

namespace linkd::test {

inline const std::string roomy = "max_queued_messages 0\nset_tcp_nodelay true\n";

inline mqtt_peer_settings peer_of(const mosquitto_broker& broker, const std::string& id,
                                  std::vector<std::string> filters = {}) {
  mqtt_peer_settings out;
  out.port = broker.port();
  out.client_id = id;
  out.filters = std::move(filters);
  return out;
}

// Subscriptions leave after on_broker_up(): publishes until one of these comes through.
inline void await_subscribed(broker_world& world, mqtt_peer& peer, const std::string& topic) {
  REQUIRE(world.until_up());
  const std::size_t before = world.captured.size();
  REQUIRE(world.until([&] {
    peer.publish(make_message(topic, "probe"));
    return world.until([&] { return world.captured.size() > before; },
                       std::chrono::milliseconds(50));
  }));
  peer.publish(make_message(topic, "ready"));  // behind the probes that are still on their way
  REQUIRE(world.until([&] { return world.captured.back().payload == "ready"; }));
  world.captured.clear();
}

inline std::vector<std::string> numbers(int from, int to) {
  std::vector<std::string> out;
  for (int i = from; i < to; ++i) out.push_back(std::to_string(i));
  return out;
}

}  // namespace linkd::test

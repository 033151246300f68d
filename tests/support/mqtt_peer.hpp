#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mqtt_linkd/message.hpp"

namespace linkd::test {

struct mqtt_peer_settings {
  std::uint16_t port = 0;  // of 127.0.0.1
  std::string client_id = {};
  bool mqtt5 = true;
  std::vector<std::string> filters = {};     // subscribed at QoS 1, with Retain As Published
  std::size_t window = 100;                  // QoS 1 publishes in flight
  double messages_per_s_max = 0;             // 0: as fast as the broker takes them
  std::string username = {}, password = {};  // empty: anonymous
};

// A client of a broker, as an application would be one: an own thread, a persistent session, and
// both halves of the ledger that tests compare: which publishes the broker has acknowledged, and
// what arrived in which order. Connects again after a loss and sends again, in order, what was not
// acknowledged (so it may repeat messages itself when *its* broker goes away). Built on
// libmosquitto alone, so that a fault of our own client cannot hide here. Every call may come from
// any thread.
class mqtt_peer {
 public:
  // Waits until connected and subscribed; throws std::runtime_error after 15 s.
  explicit mqtt_peer(mqtt_peer_settings settings);
  ~mqtt_peer();  // disconnects; the broker keeps the session
  mqtt_peer(const mqtt_peer&) = delete;
  mqtt_peer& operator=(const mqtt_peer&) = delete;

  // Sent in the order of the calls, as soon as window and rate allow.
  void publish(message what);
  // Publishes that are done: acknowledged without refusal at QoS 1, written at QoS 0.
  [[nodiscard]] std::size_t accepted() const;
  bool await_accepted(std::size_t count, std::chrono::milliseconds patience) const;

  [[nodiscard]] std::size_t arrived() const;
  bool await_arrivals(std::size_t count, std::chrono::milliseconds patience) const;
  // In order of arrival, repetitions included.
  [[nodiscard]] std::vector<message> arrivals() const;
  void forget_arrivals();

 private:
  class client;
  std::unique_ptr<client> client_;
};

}  // namespace linkd::test

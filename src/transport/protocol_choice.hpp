#pragma once

#include "mqtt/client.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::transport {

// Which version of MQTT to try next at one broker.
class protocol_choice {
 public:
  explicit protocol_choice(mqtt_protocol wanted = mqtt_protocol::automatic) : wanted_(wanted) {}
  [[nodiscard]] bool mqtt5() const {
    return wanted_ == mqtt_protocol::automatic ? mqtt5_ : wanted_ == mqtt_protocol::v5;
  }
  // Learns from the end of an attempt with mqtt5(); answers whether the next one will differ. A
  // broker without MQTT 5 may say so, or just close before a CONNACK (RabbitMQ 3, ActiveMQ). The
  // latter can have other causes, so MQTT 5, which alone tells of refused messages, is tried again
  // after every 3.1.1 connection.
  bool learn(const mqtt::end_of_connection& end);

 private:
  mqtt_protocol wanted_;
  bool mqtt5_ = true;
};

}  // namespace linkd::transport

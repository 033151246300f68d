#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mqtt_linkd/bytes.hpp"

namespace linkd {

// The properties of a PUBLISH that belong to its publisher (MQTT 5, section 3.3.2.3). Topic Alias
// and Subscription Identifier belong to one connection and are not here.
struct publish_properties {
  std::optional<std::uint8_t> payload_format_indicator;
  std::optional<std::uint32_t> message_expiry_interval_s;
  std::optional<std::string> content_type;
  std::optional<std::string> response_topic;
  std::optional<bytes> correlation_data;
  // In the publisher's order; names may repeat.
  std::vector<std::pair<std::string, std::string>> user_properties;

  bool operator==(const publish_properties&) const = default;
};

// One application message.
struct message {
  std::string topic;
  bytes payload;
  std::uint8_t qos = 0;  // 0 or 1: capture is at QoS 1
  bool retain = false;
  publish_properties properties;

  bool operator==(const message&) const = default;
};

}  // namespace linkd

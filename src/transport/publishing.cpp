#include "transport/publishing.hpp"

#include <algorithm>
#include <array>

#include "mqtt_linkd/mqtt_reason.hpp"
#include "transport/envelope.hpp"

namespace linkd::transport {
namespace {

// MQTT 3.1.1 brokers do not announce what they accept and close the connection at more. None that
// we know of is set to less than this.
constexpr std::size_t packet_bytes_max_v311 = 128u << 10;

// What a HELLO may not go below (wire/PROTOCOL.md, section 1).
constexpr std::size_t frame_bytes_min = 4096;

constexpr std::uint8_t no_matching_subscribers = 0x10;

// Fixed header, topic, packet identifier, no properties (MQTT 5, section 3.3), and our envelope.
std::size_t overhead_bytes(const std::string& topic) {
  return 1 + 4 + 2 + topic.size() + 2 + 1 + envelope_overhead_bytes_max;
}

std::string user_of(const publishing& where) {
  return where.username.empty() ? "anonymous clients" : "user " + where.username;
}

std::string in_hex(std::uint8_t code) {
  constexpr std::string_view digits = "0123456789abcdef";
  return {'0', 'x', digits[code >> 4], digits[code & 0xf]};
}

}  // namespace

result<std::size_t> frame_bytes_max(const mqtt::connack& granted, bool mqtt5,
                                    const std::string& topic) {
  std::size_t packet_bytes = mqtt5 ? packet_bytes_max : packet_bytes_max_v311;
  if (granted.packet_bytes_max != 0) {
    packet_bytes = std::min<std::size_t>(packet_bytes, granted.packet_bytes_max);
  }
  if (packet_bytes < overhead_bytes(topic) + frame_bytes_min) {
    return error{errc::refused, "the broker's Maximum Packet Size of " +
                                    std::to_string(packet_bytes) +
                                    " bytes is too small for a link"};
  }
  return std::min(packet_bytes - overhead_bytes(topic), limits::frame_bytes_max);
}

std::optional<error> publish_failure(std::uint8_t reason_code, const std::string& topic,
                                     const publishing& where) {
  if (reason_code == no_matching_subscribers) {
    return error{errc::unavailable, where.peer +
                                        "'s daemon is not there: nobody is subscribed to " + topic +
                                        " on " + to_string(where.server)};
  }
  if (reason_code < mqtt_reason::first_failure) return std::nullopt;
  if (reason_code == mqtt_reason::not_authorized) {
    return error{errc::permission, "not authorized to publish " + topic + " on " +
                                       to_string(where.server) + ": allow write for " +
                                       user_of(where)};
  }
  if (reason_code == mqtt_reason::topic_name_invalid) return not_carried(topic, where);
  return error{errc::unavailable, to_string(where.server) + " refuses frames on " + topic +
                                      " with reason code " + in_hex(reason_code)};
}

error not_carried(const std::string& topic, const publishing& where) {
  const std::string dollar =
      topic.starts_with('$')
          ? "it may carry no topic that begins with $ (ejabberd does not, ActiveMQ only with "
            "publishDollarTopics): set control_prefix to a plain one, linkd for instance, at both "
            "ends of the link; or "
          : "";
  return {errc::refused, to_string(where.server) + " does not carry " + topic +
                             ", no link works through it: " + dollar + "allow " + user_of(where) +
                             " to write and read it"};
}

std::optional<error> subscribe_failure(std::uint8_t reason_code, const std::string& filter,
                                       const publishing& where) {
  if (reason_code < mqtt_reason::first_failure) return std::nullopt;
  if (reason_code == mqtt_reason::topic_filter_invalid ||
      reason_code == mqtt_reason::topic_name_invalid) {
    return not_carried(filter, where);
  }
  // 3.1.1 knows only "failure", and authorization is the one that people meet.
  return error{errc::permission, "not authorized to subscribe " + filter + " on " +
                                     to_string(where.server) + " (reason code " +
                                     in_hex(reason_code) + "): allow read for " + user_of(where)};
}

}  // namespace linkd::transport

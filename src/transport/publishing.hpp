#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mqtt/client.hpp"
#include "mqtt_linkd/limits.hpp"
#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"

// What publishing frames at a broker has to obey, and what the broker's answers mean for people.
namespace linkd::transport {

// Who publishes or subscribes what, where; for texts.
struct publishing {
  server_address server;
  std::string username;  // empty: anonymous
  std::string peer;
};

// What we announce as Maximum Packet Size: the largest frame on any sensible topic.
inline constexpr std::uint32_t packet_bytes_max = limits::frame_bytes_max + 4096;

// The largest frame that fits into a PUBLISH to `topic`. errc::refused: the broker's packets are
// too small for any.
result<std::size_t> frame_bytes_max(const mqtt::connack& granted, bool mqtt5,
                                    const std::string& topic);

// What a PUBACK's reason code says about the path; none: the frame is on its way.
std::optional<error> publish_failure(std::uint8_t reason_code, const std::string& topic,
                                     const publishing& where);
// What is wrong where a topic of ours is refused or dropped as such.
error not_carried(const std::string& topic, const publishing& where);
// What a SUBACK's reason code says; none: granted.
std::optional<error> subscribe_failure(std::uint8_t reason_code, const std::string& filter,
                                       const publishing& where);

}  // namespace linkd::transport

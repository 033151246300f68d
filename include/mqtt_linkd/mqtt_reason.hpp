#pragma once

#include <cstdint>

// The reason codes on which something depends (MQTT 5, section 2.4).
namespace linkd::mqtt_reason {

inline constexpr std::uint8_t first_failure = 0x80;
inline constexpr std::uint8_t unsupported_version = 0x84;
inline constexpr std::uint8_t not_authorized = 0x87;
inline constexpr std::uint8_t topic_filter_invalid = 0x8f;
inline constexpr std::uint8_t topic_name_invalid = 0x90;
inline constexpr std::uint8_t packet_too_large = 0x95;

}  // namespace linkd::mqtt_reason

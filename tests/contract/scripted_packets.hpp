#pragma once

#include <cstdint>
#include <string>

#include "tests/contract/scripted_server.hpp"

// What a scripted broker says when it behaves.
namespace linkd::test {

using packet = scripted_server::packet;
using reply = scripted_server::reply;

namespace type {
inline constexpr std::uint8_t connect = 1, publish = 3, puback = 4, subscribe = 8;
}

inline bool speaks_mqtt5(const packet& connect_packet) {
  return connect_packet.body.at(6) == 5;
}

inline std::string connack(const packet& in, bool session_present) {
  std::string out =
      speaks_mqtt5(in) ? std::string("\x20\x03\0\0\0", 5) : std::string("\x20\x02\0\0", 4);
  out[2] = session_present ? 1 : 0;
  return out;
}

// SUBACK for one filter, in the protocol the test has settled on.
inline std::string suback(const packet& in, bool mqtt5, std::uint8_t code) {
  std::string out = mqtt5 ? std::string("\x90\x04", 2) : std::string("\x90\x03", 2);
  out += in.body.substr(0, 2);
  if (mqtt5) out.push_back('\0');
  out.push_back(static_cast<char>(code));
  return out;
}

inline std::string puback_for(const packet& in) {
  const auto topic_size = static_cast<std::size_t>(static_cast<unsigned char>(in.body[0]) << 8 |
                                                   static_cast<unsigned char>(in.body[1]));
  return std::string("\x40\x02", 2) + in.body.substr(2 + topic_size, 2);
}

// The one filter of a SUBSCRIBE in MQTT 5 without properties.
inline std::string filter_of(const packet& subscribe_packet) {
  return subscribe_packet.body.substr(5, subscribe_packet.body.size() - 6);
}

// QoS 0, MQTT 5 without properties, no payload.
inline std::string event_packet(const std::string& topic) {
  std::string out = "\x30";
  out.push_back(static_cast<char>(topic.size() + 3));
  out.push_back('\0');
  out.push_back(static_cast<char>(topic.size()));
  return out + topic + '\0';
}

// QoS 1, topic "a/b", without properties in MQTT 5.
inline std::string publish_packet(std::uint16_t id, const std::string& payload) {
  std::string rest = std::string("\0\3a/b", 5);
  rest.push_back(static_cast<char>(id >> 8));
  rest.push_back(static_cast<char>(id & 0xff));
  rest.push_back('\0');
  rest += payload;
  return std::string("\x32") + static_cast<char>(rest.size()) + rest;
}

}  // namespace linkd::test

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace linkd::bench {

// The packets of MQTT 3.1.1 that a load generator needs, written and read without a copy too many.

enum class packet_type : std::uint8_t {
  connack = 2,
  publish = 3,
  puback = 4,
  suback = 9,
};

struct packet {
  packet_type type;
  std::uint8_t flags;
  std::string_view body;
};

// Takes a whole packet off the front of `in`; none if it is not all there yet. Throws
// std::runtime_error if it is none.
std::optional<packet> take_packet(std::string_view& in);

struct published {
  std::string_view topic;
  std::uint8_t qos = 0;
  std::uint16_t id = 0;  // QoS 1
  std::string_view payload;
};
// Throws std::runtime_error if the packet is malformed.
published read_publish(const packet& from);

std::string connect_packet(std::string_view client_id);
std::string subscribe_packet(std::string_view filter, std::uint8_t qos);
void append_publish(std::string& out, const published& what);
void append_puback(std::string& out, std::uint16_t id);
// The packet id of a PUBACK.
std::uint16_t read_puback(const packet& from);

}  // namespace linkd::bench

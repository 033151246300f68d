#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mqtt/client.hpp"
#include "mqtt_linkd/bytes.hpp"
#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"

// The packets of MQTT 5 and 3.1.1 as bytes: what a client writes and what it reads (MQTT.md). Pure.
namespace linkd::mqtt::native {

inline constexpr std::size_t packet_bytes_max = 268'435'460;  // section 2.1.4: header and the rest

// Section 2.1.2.
enum class packet_type : std::uint8_t {
  connect = 1,
  connack,
  publish,
  puback,
  pubrec,
  pubrel,
  pubcomp,
  subscribe,
  suback,
  unsubscribe,
  unsuback,
  pingreq,
  pingresp,
  disconnect,
  auth
};

// --- what we write: each appends to `out`, nothing if it fails -----------------------------------

// errc::invalid: a client id, username or password that MQTT cannot carry.
result<void> put_connect(bytes& out, const client_settings& settings, const secret& password);

// How a message is published, whatever it asks for itself.
struct publish_header {
  std::uint8_t qos = 0;  // 0 or 1
  bool retain = false;
  std::uint16_t id = 0;  // at QoS 1
};
// errc::invalid: the message breaks a rule of MQTT; errc::too_large: the packet would be over
// `bytes_max`.
result<void> put_publish(bytes& out, const message& what, const publish_header& header, bool mqtt5,
                         std::size_t bytes_max);

// errc::invalid: no filter or a bad one; errc::too_large as above.
result<void> put_subscribe(bytes& out, const std::vector<std::string>& filters,
                           const subscribe_options& options,
                           std::optional<std::uint32_t> subscription_id, std::uint16_t id,
                           bool mqtt5, std::size_t bytes_max);
result<void> put_unsubscribe(bytes& out, const std::vector<std::string>& filters, std::uint16_t id,
                             bool mqtt5, std::size_t bytes_max);

// PUBACK, PUBREC or PUBCOMP with the reason code 0.
void put_acknowledgement(bytes& out, packet_type type, std::uint16_t id);
void put_pingreq(bytes& out);
void put_disconnect(bytes& out);  // normal disconnection

// --- what we read --------------------------------------------------------------------------------

// A packet as it stands in what was read. The flags are the low half of its first byte.
struct packet {
  packet_type type;
  std::uint8_t flags;
  bytes_view body;
};

// Takes a packet off the front of `in`; none if it is not all there yet. errc::corrupt: this is no
// packet; errc::too_large: over `bytes_max`, told as soon as its length is known.
result<std::optional<packet>> take_packet(bytes_view& in, std::size_t bytes_max);

// Those below answer errc::corrupt for a packet that breaks a rule of its section.

struct connack_packet {
  std::uint8_t reason_code = 0;  // 3.1.1: 1 to 5, section 3.2.2.3 there
  connack granted;
};
result<connack_packet> read_connack(const packet& from, bool mqtt5);

struct publish_packet {
  received_message in;
  std::uint16_t id = 0;  // QoS 1 and 2
};
// A publisher's property with a value that MQTT forbids is left out: if its broker lets it pass, it
// must not end our connection, again and again.
result<publish_packet> read_publish(const packet& from, bool mqtt5);

struct acknowledgement {
  std::uint16_t id = 0;
  std::uint8_t reason_code = 0;
};
// PUBACK or PUBREL.
result<acknowledgement> read_acknowledgement(const packet& from, bool mqtt5);

struct subscription_answer {
  std::uint16_t id = 0;
  std::vector<std::uint8_t> reason_codes;
};
// SUBACK or UNSUBACK (of 3.1.1 without codes).
result<subscription_answer> read_subscription_answer(const packet& from, bool mqtt5);

// The reason code of a DISCONNECT (MQTT 5 only).
result<std::uint8_t> read_disconnect(const packet& from);

}  // namespace linkd::mqtt::native

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "mqtt/native/packets.hpp"
#include "wire/properties.hpp"
#include "wire/varint.hpp"

namespace linkd::mqtt::native {

namespace {

constexpr std::size_t varint_bytes_max = 4;  // section 1.5.5

// Section 2.2.2.2; those that a server may send.
enum property_id : std::uint8_t {
  payload_format_indicator = 0x01,
  message_expiry_interval = 0x02,
  content_type = 0x03,
  response_topic = 0x08,
  correlation_data = 0x09,
  subscription_identifier = 0x0b,
  session_expiry_interval = 0x11,
  assigned_client_identifier = 0x12,
  server_keep_alive = 0x13,
  authentication_method = 0x15,
  authentication_data = 0x16,
  response_information = 0x1a,
  server_reference = 0x1c,
  reason_string = 0x1f,
  receive_maximum = 0x21,
  topic_alias_maximum = 0x22,
  topic_alias = 0x23,
  maximum_qos = 0x24,
  retain_available = 0x25,
  user_property = 0x26,
  maximum_packet_size = 0x27,
  wildcard_subscription_available = 0x28,
  subscription_identifiers_available = 0x29,
  shared_subscription_available = 0x2a
};

error broken(const char* what) {
  return {errc::corrupt, what};
}

std::optional<std::uint32_t> take_number(bytes_view& in, std::size_t bytes) {
  if (in.size() < bytes) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(in[i]);
  in.remove_prefix(bytes);
  return value;
}

std::optional<std::uint16_t> take_packet_id(bytes_view& in) {
  const auto id = take_number(in, 2);
  if (!id || *id == 0) return std::nullopt;  // section 2.2.1
  return static_cast<std::uint16_t>(*id);
}

struct property {
  std::uint8_t id = 0;
  std::uint32_t number = 0;  // of those that are numbers
};

// Takes a property off the front of `in`, whatever packet it is for; strings are only skipped.
std::optional<property> take_property(bytes_view& in) {
  property out;
  out.id = static_cast<std::uint8_t>(in.front());
  in.remove_prefix(1);
  std::optional<std::uint32_t> number;
  switch (out.id) {
    case payload_format_indicator:
    case maximum_qos:
    case retain_available:
    case wildcard_subscription_available:
    case subscription_identifiers_available:
    case shared_subscription_available:
      number = take_number(in, 1);
      break;
    case server_keep_alive:
    case receive_maximum:
    case topic_alias_maximum:
    case topic_alias:
      number = take_number(in, 2);
      break;
    case message_expiry_interval:
    case session_expiry_interval:
    case maximum_packet_size:
      number = take_number(in, 4);
      break;
    case subscription_identifier:
      if (const auto value = wire::take_varint(in, varint_bytes_max)) {
        number = static_cast<std::uint32_t>(*value);
      }
      break;
    case content_type:
    case response_topic:
    case correlation_data:
    case assigned_client_identifier:
    case authentication_method:
    case authentication_data:
    case response_information:
    case server_reference:
    case reason_string:
      if (wire::take_binary(in)) number = 0;
      break;
    case user_property:
      if (wire::take_binary(in) && wire::take_binary(in)) number = 0;
      break;
    default:
      break;
  }
  if (!number) return std::nullopt;
  out.number = *number;
  return out;
}

// Calls `each` with every property; false if one is malformed or `each` says so.
template <class Function>
bool for_each_property(bytes_view in, Function&& each) {
  while (!in.empty()) {
    const auto property = take_property(in);
    if (!property || !each(*property)) return false;
  }
  return true;
}

// The properties at the end of an answer, if it has any, are of these kinds.
bool ends_with_properties(bytes_view in, std::initializer_list<property_id> allowed) {
  if (in.empty()) return true;  // left out together with their length
  const auto properties = wire::take_property_bytes(in);
  return properties && in.empty() && for_each_property(*properties, [&](const property& each) {
           return std::find(allowed.begin(), allowed.end(), each.id) != allowed.end();
         });
}

// Sections 3.2.2.3.x: false if the value is not allowed.
bool apply(const property& what, connack& granted) {
  switch (what.id) {
    case receive_maximum:
      granted.receive_maximum = static_cast<std::uint16_t>(what.number);
      return what.number != 0;
    case maximum_packet_size:
      granted.packet_bytes_max = what.number;
      return what.number != 0;
    case maximum_qos:
      granted.qos_max = static_cast<std::uint8_t>(what.number);
      return what.number <= 1;
    case retain_available:
      granted.retain_available = what.number != 0;
      return what.number <= 1;
    case subscription_identifiers_available:
      granted.subscription_ids_available = what.number != 0;
      return what.number <= 1;
    case server_keep_alive:
      granted.keepalive = seconds(what.number);
      return true;
    case session_expiry_interval:
      granted.session_expiry = seconds(what.number);
      return true;
    case wildcard_subscription_available:
      granted.wildcards_available = what.number != 0;
      return what.number <= 1;
    case assigned_client_identifier:
    case topic_alias_maximum:
    case reason_string:
    case user_property:
    case shared_subscription_available:
    case response_information:
    case server_reference:
      return true;
    default:
      return false;  // of authentication, which we did not begin, or of another packet
  }
}

// Section 3.3.2.3. Topic aliases are not for us: we announce none (Topic Alias Maximum 0).
bool read_properties(bytes_view in, received_message& out) {
  while (!in.empty()) {
    bytes_view value = in.substr(1);
    const auto property = take_property(in);
    if (!property) return false;
    switch (property->id) {
      case subscription_identifier:
        if (property->number == 0) return false;
        out.subscription_ids.push_back(property->number);
        break;
      case payload_format_indicator:
      case message_expiry_interval:
      case content_type:
      case response_topic:
      case correlation_data:
      case user_property:
        static_cast<void>(wire::take_property(property->id, value, out.what.properties));
        break;
      default:
        return false;
    }
  }
  return true;
}

// No more of section 4.7 than no broker gets wrong: RabbitMQ sends names with wildcards, and what
// is in our session there would end our connection again and again.
bool is_topic(bytes_view name) {
  return !name.empty() && name.find('\0') == name.npos;
}

}  // namespace

result<std::optional<packet>> take_packet(bytes_view& in, std::size_t bytes_max) {
  if (in.empty()) return std::optional<packet>();
  const auto first = static_cast<std::uint8_t>(in.front());
  if (first >> 4 == 0) return broken("a packet of no type");
  bytes_view rest = in.substr(1);
  const bool whole_length = std::any_of(
      rest.begin(),
      rest.begin() + static_cast<std::ptrdiff_t>(std::min(rest.size(), varint_bytes_max)),
      [](char each) { return (static_cast<unsigned char>(each) & 0x80) == 0; });
  if (!whole_length && rest.size() < varint_bytes_max) return std::optional<packet>();
  const auto length = wire::take_varint(rest, varint_bytes_max);
  if (!length) return broken("a remaining length that is none");
  const std::size_t header_bytes = in.size() - rest.size();
  if (header_bytes + *length > bytes_max) {
    return error{errc::too_large, "a packet of " + std::to_string(header_bytes + *length) +
                                      " bytes, more than we take"};
  }
  if (rest.size() < *length) return std::optional<packet>();
  in.remove_prefix(header_bytes + *length);
  return std::optional(packet{static_cast<packet_type>(first >> 4),
                              static_cast<std::uint8_t>(first & 0x0f), rest.substr(0, *length)});
}

result<connack_packet> read_connack(const packet& from, bool mqtt5) {
  bytes_view in = from.body;
  const auto flags = take_number(in, 1);
  const auto code = take_number(in, 1);
  if (from.flags != 0 || !code || *flags > 1) return broken("a malformed CONNACK");
  connack_packet out;
  out.reason_code = static_cast<std::uint8_t>(*code);
  out.granted.session_present = *flags == 1;
  if (out.granted.session_present && out.reason_code != 0) return broken("a malformed CONNACK");
  if (!mqtt5 || (in.empty() && out.reason_code != 0)) {
    if (!in.empty()) return broken("a malformed CONNACK");
    // Who does not speak MQTT 5 refuses it in the form of 3.1.1.
    if (mqtt5 && out.reason_code == 1) out.reason_code = 0x84;
    return out;
  }
  const auto properties = wire::take_property_bytes(in);
  if (!properties || !in.empty() || !for_each_property(*properties, [&](const property& each) {
        return apply(each, out.granted);
      })) {
    return broken("a malformed CONNACK");
  }
  return out;
}

result<publish_packet> read_publish(const packet& from, bool mqtt5) {
  publish_packet out;
  message& what = out.in.what;
  what.qos = from.flags >> 1 & 3;
  what.retain = (from.flags & 1) != 0;
  out.in.duplicate = (from.flags & 8) != 0;
  if (what.qos > 2) return broken("a PUBLISH at QoS 3");
  bytes_view in = from.body;
  const auto name = wire::take_binary(in);
  if (!name || !is_topic(*name)) return broken("a PUBLISH with a bad topic");
  what.topic = *name;
  if (what.qos > 0) {
    const auto id = take_packet_id(in);
    if (!id) return broken("a PUBLISH without a packet identifier");
    out.id = *id;
  }
  if (mqtt5) {
    const auto properties = wire::take_property_bytes(in);
    if (!properties || !read_properties(*properties, out.in)) {
      return broken("a PUBLISH with malformed properties");
    }
  }
  what.payload = in;
  return out;
}

result<acknowledgement> read_acknowledgement(const packet& from, bool mqtt5) {
  bytes_view in = from.body;
  const std::uint8_t flags = from.type == packet_type::pubrel ? 2 : 0;
  const auto id = take_packet_id(in);
  if (from.flags != flags || !id) return broken("a malformed acknowledgement");
  acknowledgement out{*id, 0};
  if (!mqtt5 && !in.empty()) return broken("a malformed acknowledgement");
  if (!in.empty()) out.reason_code = static_cast<std::uint8_t>(*take_number(in, 1));
  if (!ends_with_properties(in, {reason_string, user_property})) {
    return broken("a malformed acknowledgement");
  }
  return out;
}

result<subscription_answer> read_subscription_answer(const packet& from, bool mqtt5) {
  bytes_view in = from.body;
  const auto id = take_packet_id(in);
  if (from.flags != 0 || !id) return broken("a malformed SUBACK or UNSUBACK");
  if (mqtt5) {
    const auto properties = wire::take_property_bytes(in);
    if (!properties || !for_each_property(*properties, [](const property& each) {
          return each.id == reason_string || each.id == user_property;
        })) {
      return broken("a malformed SUBACK or UNSUBACK");
    }
  }
  return subscription_answer{*id, {in.begin(), in.end()}};
}

result<std::uint8_t> read_disconnect(const packet& from) {
  bytes_view in = from.body;
  if (from.flags != 0) return broken("a malformed DISCONNECT");
  if (in.empty()) return std::uint8_t{0};
  const auto code = take_number(in, 1);
  if (!ends_with_properties(
          in, {reason_string, user_property, server_reference, session_expiry_interval})) {
    return broken("a malformed DISCONNECT");
  }
  return static_cast<std::uint8_t>(*code);
}

}  // namespace linkd::mqtt::native

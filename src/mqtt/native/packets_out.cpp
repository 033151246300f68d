#include <algorithm>

#include "base/utf8.hpp"
#include "mqtt/native/packets.hpp"
#include "topic/topic.hpp"
#include "wire/properties.hpp"
#include "wire/varint.hpp"

namespace linkd::mqtt::native {

namespace {

constexpr std::size_t field_bytes_max = 65535;            // section 1.5.4
constexpr std::size_t remaining_bytes_max = 268'435'455;  // section 1.5.5

// Flags that belong to a type (section 2.1.3).
constexpr std::uint8_t no_flags = 0;
constexpr std::uint8_t subscribe_flags = 0x02;

void put_header(bytes& out, packet_type type, std::uint8_t flags, std::size_t remaining) {
  out.push_back(static_cast<char>(static_cast<std::uint8_t>(type) << 4 | flags));
  wire::put_varint(out, remaining);
}

void put_u16(bytes& out, std::size_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value));
}

void put_u32(bytes& out, std::uint32_t value) {
  put_u16(out, value >> 16);
  put_u16(out, value);
}

// Section 1.5.4.
bool is_text(bytes_view value) {
  return value.size() <= field_bytes_max && value.find('\0') == value.npos && is_utf8(value);
}

bool is_text(const std::optional<std::string>& value) {
  return !value || is_text(bytes_view(*value));
}

// Section 3.3.2.3.
bool can_be_sent(const publish_properties& what) {
  const bool plain_response = !what.response_topic || !topic::has_wildcard(*what.response_topic);
  return what.payload_format_indicator.value_or(0) <= 1 && is_text(what.content_type) &&
         is_text(what.response_topic) && plain_response &&
         what.correlation_data.value_or(bytes()).size() <= field_bytes_max &&
         std::all_of(what.user_properties.begin(), what.user_properties.end(),
                     [](const auto& each) {
                       return is_text(bytes_view(each.first)) && is_text(bytes_view(each.second));
                     });
}

std::size_t varint_bytes(std::size_t value) {
  std::size_t count = 1;
  for (; value >= 0x80; value >>= 7) ++count;
  return count;
}

result<void> check_size(std::size_t remaining, std::size_t bytes_max) {
  if (remaining > remaining_bytes_max) {
    return error{errc::too_large, "larger than MQTT allows"};
  }
  if (1 + varint_bytes(remaining) + remaining > bytes_max) {
    return error{errc::too_large, "larger than the broker's maximum packet size"};
  }
  return {};
}

result<void> check_filters(const std::vector<std::string>& filters) {
  if (filters.empty()) return error{errc::invalid, "no filter"};
  for (const auto& each : filters) {
    if (auto good = topic::check_filter(each); !good) return good.error();
  }
  return {};
}

result<void> put_packet(bytes& out, packet_type type, bytes_view rest, std::size_t bytes_max) {
  if (auto fits = check_size(rest.size(), bytes_max); !fits) return fits.error();
  put_header(out, type, subscribe_flags, rest.size());
  out += rest;
  return {};
}

// Section 3.1.2.11.
bytes connect_properties(const client_settings& settings) {
  bytes out;
  if (settings.session_expiry.count() > 0) {
    out.push_back(0x11);
    put_u32(out, static_cast<std::uint32_t>(
                     std::min<seconds::rep>(settings.session_expiry.count(), UINT32_MAX)));
  }
  // Also the default: mosquitto 2.0 takes what is said in place of its max_inflight_messages, 20.
  out.push_back(0x21);
  put_u16(out, settings.receive_maximum);
  if (settings.packet_bytes_max > 0) {
    out.push_back(0x27);
    put_u32(out, settings.packet_bytes_max);
  }
  return out;
}

}  // namespace

result<void> put_connect(bytes& out, const client_settings& settings, const secret& password) {
  const std::string& username = settings.login.username;
  if (!is_text(bytes_view(settings.client_id))) {
    return error{errc::invalid, "bad client id " + settings.client_id};
  }
  if (!is_text(bytes_view(username))) return error{errc::invalid, "bad username"};
  if (password.reveal().size() > field_bytes_max) return error{errc::invalid, "bad password"};
  const bool with_password = !username.empty() && !password.empty();

  bytes rest;
  wire::put_binary(rest, "MQTT");
  rest.push_back(settings.mqtt5 ? 5 : 4);
  unsigned flags = settings.clean_start ? 0x02 : 0;
  if (!username.empty()) flags |= 0x80;
  if (with_password) flags |= 0x40;
  rest.push_back(static_cast<char>(flags));
  put_u16(rest, static_cast<std::size_t>(
                    std::clamp<seconds::rep>(settings.keepalive.count(), 1, UINT16_MAX)));
  if (settings.mqtt5) wire::put_property_bytes(rest, connect_properties(settings));
  wire::put_binary(rest, settings.client_id);
  if (!username.empty()) wire::put_binary(rest, username);
  if (with_password) wire::put_binary(rest, password.reveal());
  put_header(out, packet_type::connect, no_flags, rest.size());
  out += rest;
  return {};
}

result<void> put_publish(bytes& out, const message& what, const publish_header& header, bool mqtt5,
                         std::size_t bytes_max) {
  if (auto good = topic::check_name(what.topic); !good) return good.error();
  bytes properties;
  if (mqtt5 && what.properties != publish_properties{}) {
    if (!can_be_sent(what.properties)) {
      return error{errc::invalid, "a property breaks a rule of MQTT or is longer than 65535 bytes"};
    }
    properties = wire::encode_properties(what.properties);
  }
  const std::size_t property_bytes =
      mqtt5 ? varint_bytes(properties.size()) + properties.size() : 0;
  const std::size_t remaining =
      2 + what.topic.size() + (header.qos > 0 ? 2u : 0u) + property_bytes + what.payload.size();
  if (auto fits = check_size(remaining, bytes_max); !fits) return fits.error();
  const auto flags = static_cast<std::uint8_t>(header.qos << 1 | (header.retain ? 1 : 0));
  put_header(out, packet_type::publish, flags, remaining);
  wire::put_binary(out, what.topic);
  if (header.qos > 0) put_u16(out, header.id);
  if (mqtt5) wire::put_property_bytes(out, properties);
  out += what.payload;
  return {};
}

result<void> put_subscribe(bytes& out, const std::vector<std::string>& filters,
                           const subscribe_options& options,
                           std::optional<std::uint32_t> subscription_id, std::uint16_t id,
                           bool mqtt5, std::size_t bytes_max) {
  if (auto good = check_filters(filters); !good) return good.error();
  bytes rest;
  put_u16(rest, id);
  unsigned bits = options.qos;
  if (mqtt5) {
    bytes properties;
    if (subscription_id) {
      properties.push_back(0x0b);
      wire::put_varint(properties, *subscription_id);
    }
    wire::put_property_bytes(rest, properties);
    if (options.no_local) bits |= 0x04;
    if (options.retain_as_published) bits |= 0x08;
    bits |= static_cast<unsigned>(options.retain_handling) << 4;
  }
  for (const auto& each : filters) {
    wire::put_binary(rest, each);
    rest.push_back(static_cast<char>(bits));
  }
  return put_packet(out, packet_type::subscribe, rest, bytes_max);
}

result<void> put_unsubscribe(bytes& out, const std::vector<std::string>& filters, std::uint16_t id,
                             bool mqtt5, std::size_t bytes_max) {
  if (auto good = check_filters(filters); !good) return good.error();
  bytes rest;
  put_u16(rest, id);
  if (mqtt5) wire::put_property_bytes(rest, {});
  for (const auto& each : filters) wire::put_binary(rest, each);
  return put_packet(out, packet_type::unsubscribe, rest, bytes_max);
}

void put_acknowledgement(bytes& out, packet_type type, std::uint16_t id) {
  put_header(out, type, no_flags, 2);
  put_u16(out, id);
}

void put_pingreq(bytes& out) {
  put_header(out, packet_type::pingreq, no_flags, 0);
}

void put_disconnect(bytes& out) {
  put_header(out, packet_type::disconnect, no_flags, 0);
}

}  // namespace linkd::mqtt::native

#include "wire/properties.hpp"

#include "base/utf8.hpp"
#include "topic/topic.hpp"
#include "wire/varint.hpp"

namespace linkd::wire {
namespace {

// Section 2.2.2.2. Topic Alias (0x23) and Subscription Identifier (0x0B) belong to one connection.
enum property_id : unsigned char {
  payload_format_indicator = 0x01,
  message_expiry_interval = 0x02,
  content_type = 0x03,
  response_topic = 0x08,
  correlation_data = 0x09,
  user_property = 0x26
};

constexpr std::size_t property_length_bytes_max = 4;  // section 1.5.5

error corrupt(const char* text) {
  return {errc::corrupt, std::string("properties: ") + text};
}

// A string as MQTT allows it (section 1.5.4).
bool is_text(bytes_view value) {
  return value.find('\0') == value.npos && is_utf8(value);
}

void put_be32(bytes& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

std::optional<std::uint32_t> take_be32(bytes_view& in) {
  if (in.size() < 4) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(in[i]);
  in.remove_prefix(4);
  return value;
}

std::optional<std::string> take_text(bytes_view& in) {
  const auto text = take_binary(in);
  if (!text || !is_text(*text)) return std::nullopt;
  return std::string(*text);
}

// Sets `to`, which must not be set yet (section 2.2.2.2: only a User Property may be repeated).
template <class T>
bool set_once(std::optional<T>& to, std::optional<T> value) {
  if (to || !value) return false;
  to = std::move(value);
  return true;
}

// Takes the value of property `id` off the front of `in` without looking at it.
bool skip_property(unsigned char id, bytes_view& in) {
  switch (id) {
    case payload_format_indicator:
      if (in.empty()) return false;
      in.remove_prefix(1);
      return true;
    case content_type:
    case response_topic:
    case correlation_data:
      return take_binary(in).has_value();
    case user_property:
      return take_binary(in) && take_binary(in);
    default:
      return false;
  }
}

unsigned char take_id(bytes_view& in) {
  const auto id = static_cast<unsigned char>(in.front());
  in.remove_prefix(1);
  return id;
}

}  // namespace

void put_binary(bytes& out, bytes_view value) {
  out.push_back(static_cast<char>(value.size() >> 8));
  out.push_back(static_cast<char>(value.size()));
  out += value;
}

std::optional<bytes_view> take_binary(bytes_view& in) {
  if (in.size() < 2) return std::nullopt;
  const std::size_t size = static_cast<std::size_t>(static_cast<unsigned char>(in[0])) << 8 |
                           static_cast<unsigned char>(in[1]);
  if (in.size() - 2 < size) return std::nullopt;
  const auto value = in.substr(2, size);
  in.remove_prefix(2 + size);
  return value;
}

void put_property_bytes(bytes& out, bytes_view encoded) {
  put_varint(out, encoded.size());
  out += encoded;
}

std::optional<bytes_view> take_property_bytes(bytes_view& in) {
  const auto size = take_varint(in, property_length_bytes_max);
  if (!size || *size > in.size()) return std::nullopt;
  const auto value = in.substr(0, *size);
  in.remove_prefix(*size);
  return value;
}

bytes encode_properties(const publish_properties& from) {
  bytes out;
  const auto put_id = [&](property_id id) { out.push_back(static_cast<char>(id)); };
  if (from.message_expiry_interval_s) {
    put_id(message_expiry_interval);
    put_be32(out, *from.message_expiry_interval_s);
  }
  if (from.payload_format_indicator) {
    put_id(payload_format_indicator);
    out.push_back(static_cast<char>(*from.payload_format_indicator));
  }
  if (from.content_type) {
    put_id(content_type);
    put_binary(out, *from.content_type);
  }
  if (from.response_topic) {
    put_id(response_topic);
    put_binary(out, *from.response_topic);
  }
  if (from.correlation_data) {
    put_id(correlation_data);
    put_binary(out, *from.correlation_data);
  }
  for (const auto& [name, value] : from.user_properties) {
    put_id(user_property);
    put_binary(out, name);
    put_binary(out, value);
  }
  return out;
}

bool take_property(unsigned char id, bytes_view& in, publish_properties& out) {
  switch (id) {
    case payload_format_indicator: {
      if (in.empty()) return false;
      const auto value = static_cast<std::uint8_t>(in.front());
      in.remove_prefix(1);
      return value <= 1 && set_once(out.payload_format_indicator, std::optional(value));
    }
    case message_expiry_interval:
      return set_once(out.message_expiry_interval_s, take_be32(in));
    case content_type:
      return set_once(out.content_type, take_text(in));
    case response_topic: {
      auto value = take_text(in);
      if (!value || topic::has_wildcard(*value)) return false;
      return set_once(out.response_topic, std::move(value));
    }
    case correlation_data: {
      const auto value = take_binary(in);
      return value && set_once(out.correlation_data, std::optional<bytes>(*value));
    }
    case user_property: {
      auto name = take_text(in);
      if (!name) return false;
      auto value = take_text(in);
      if (!value) return false;
      out.user_properties.emplace_back(std::move(*name), std::move(*value));
      return true;
    }
    default:
      return false;
  }
}

result<publish_properties> decode_properties(bytes_view in) {
  publish_properties out;
  while (!in.empty()) {
    if (!take_property(take_id(in), in, out)) return corrupt("malformed, doubled or not allowed");
  }
  return out;
}

result<std::optional<std::uint32_t>> find_expiry(bytes_view in) {
  while (!in.empty()) {
    const auto id = take_id(in);
    if (id == message_expiry_interval) {
      const auto value = take_be32(in);
      if (!value) return corrupt("cut off");
      return value;
    }
    if (!skip_property(id, in)) return corrupt("cut off or not allowed");
  }
  return std::optional<std::uint32_t>();
}

}  // namespace linkd::wire

#include "mqtt/libmosquitto/properties.hpp"

#include <mqtt_protocol.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace linkd::mqtt {

namespace {

constexpr std::size_t field_bytes_max = 65535;  // MQTT 5, section 1.5.4

struct free_deleter {
  void operator()(void* memory) const { std::free(memory); }
};
using c_string = std::unique_ptr<char, free_deleter>;

// The library takes C strings: one with NUL inside would arrive cut.
bool is_field(std::string_view text) {
  return text.size() <= field_bytes_max && text.find('\0') == std::string_view::npos;
}

bool add_string(property_list& list, int identifier, const std::string& value) {
  return is_field(value) &&
         mosquitto_property_add_string(list.out(), identifier, value.c_str()) == MOSQ_ERR_SUCCESS;
}

bool add_all(property_list& list, const publish_properties& in) {
  bool ok = true;
  if (in.payload_format_indicator) {
    ok &= mosquitto_property_add_byte(list.out(), MQTT_PROP_PAYLOAD_FORMAT_INDICATOR,
                                      *in.payload_format_indicator) == MOSQ_ERR_SUCCESS;
  }
  if (in.message_expiry_interval_s) {
    ok &= mosquitto_property_add_int32(list.out(), MQTT_PROP_MESSAGE_EXPIRY_INTERVAL,
                                       *in.message_expiry_interval_s) == MOSQ_ERR_SUCCESS;
  }
  if (in.content_type) ok &= add_string(list, MQTT_PROP_CONTENT_TYPE, *in.content_type);
  if (in.response_topic) ok &= add_string(list, MQTT_PROP_RESPONSE_TOPIC, *in.response_topic);
  if (in.correlation_data) {
    ok &= in.correlation_data->size() <= field_bytes_max &&
          mosquitto_property_add_binary(
              list.out(), MQTT_PROP_CORRELATION_DATA, in.correlation_data->data(),
              static_cast<std::uint16_t>(in.correlation_data->size())) == MOSQ_ERR_SUCCESS;
  }
  for (const auto& [name, value] : in.user_properties) {
    ok &= is_field(name) && is_field(value) &&
          mosquitto_property_add_string_pair(list.out(), MQTT_PROP_USER_PROPERTY, name.c_str(),
                                             value.c_str()) == MOSQ_ERR_SUCCESS;
  }
  return ok;
}

std::string read_string(const mosquitto_property* at, int identifier) {
  char* raw = nullptr;
  mosquitto_property_read_string(at, identifier, &raw, false);
  c_string text(raw);
  return text ? std::string(text.get()) : std::string();
}

bytes read_binary(const mosquitto_property* at, int identifier) {
  void* raw = nullptr;
  std::uint16_t size = 0;
  mosquitto_property_read_binary(at, identifier, &raw, &size, false);
  std::unique_ptr<void, free_deleter> data(raw);
  return data ? bytes(static_cast<const char*>(data.get()), size) : bytes();
}

std::pair<std::string, std::string> read_pair(const mosquitto_property* at, int identifier) {
  char* raw_name = nullptr;
  char* raw_value = nullptr;
  mosquitto_property_read_string_pair(at, identifier, &raw_name, &raw_value, false);
  c_string name(raw_name), value(raw_value);
  return {name ? name.get() : "", value ? value.get() : ""};
}

}  // namespace

result<property_list> to_list(const publish_properties& properties) {
  property_list list;
  if (!add_all(list, properties)) {
    return error{errc::invalid, "a property is not UTF-8, holds NUL or is longer than 65535 bytes"};
  }
  return list;
}

publish_properties from_list(const mosquitto_property* list) {
  publish_properties out;
  // A read_* function answers the first match from where it is told to start: here, this one.
  for (auto at = list; at; at = mosquitto_property_next(at)) {
    const int identifier = mosquitto_property_identifier(at);
    std::uint8_t octet = 0;
    std::uint32_t number = 0;
    switch (identifier) {
      case MQTT_PROP_PAYLOAD_FORMAT_INDICATOR:
        mosquitto_property_read_byte(at, identifier, &octet, false);
        out.payload_format_indicator = octet;
        break;
      case MQTT_PROP_MESSAGE_EXPIRY_INTERVAL:
        mosquitto_property_read_int32(at, identifier, &number, false);
        out.message_expiry_interval_s = number;
        break;
      case MQTT_PROP_CONTENT_TYPE:
        out.content_type = read_string(at, identifier);
        break;
      case MQTT_PROP_RESPONSE_TOPIC:
        out.response_topic = read_string(at, identifier);
        break;
      case MQTT_PROP_CORRELATION_DATA:
        out.correlation_data = read_binary(at, identifier);
        break;
      case MQTT_PROP_USER_PROPERTY:
        out.user_properties.push_back(read_pair(at, identifier));
        break;
      default:
        break;
    }
  }
  return out;
}

std::vector<std::uint32_t> subscription_ids(const mosquitto_property* list) {
  std::vector<std::uint32_t> ids;
  for (auto at = list; at; at = mosquitto_property_next(at)) {
    std::uint32_t id = 0;
    if (mosquitto_property_identifier(at) == MQTT_PROP_SUBSCRIPTION_IDENTIFIER &&
        mosquitto_property_read_varint(at, MQTT_PROP_SUBSCRIPTION_IDENTIFIER, &id, false)) {
      ids.push_back(id);
    }
  }
  return ids;
}

}  // namespace linkd::mqtt

#include "mqtt/libmosquitto/client.hpp"

#include <mqtt_protocol.h>

#include "mqtt/libmosquitto/connection.hpp"
#include "mqtt/libmosquitto/properties.hpp"

namespace linkd::mqtt {

namespace {

error not_connected() {
  return {errc::unavailable, "not connected"};
}

// C strings: what follows a NUL would be cut off in silence.
bool has_nul(const std::string& text) {
  return text.find('\0') != std::string::npos;
}

error refusal(int code) {
  switch (code) {
    case MOSQ_ERR_OVERSIZE_PACKET:
      return {errc::too_large, "larger than the broker's maximum packet size"};
    case MOSQ_ERR_PAYLOAD_SIZE:
      return {errc::too_large, "payload larger than MQTT allows"};
    case MOSQ_ERR_NO_CONN:
    case MOSQ_ERR_NOMEM:
      return {errc::unavailable, describe(code, 0)};
    default:
      return {errc::invalid, describe(code, 0)};
  }
}

// The array of char* the library wants; it does not write through it.
std::vector<char*> c_strings(const std::vector<std::string>& filters) {
  std::vector<char*> out;
  out.reserve(filters.size());
  for (const auto& filter : filters) out.push_back(const_cast<char*>(filter.c_str()));
  return out;
}

int option_bits(const subscribe_options& options) {
  int bits = 0;
  if (options.no_local) bits |= MQTT_SUB_OPT_NO_LOCAL;
  if (options.retain_as_published) bits |= MQTT_SUB_OPT_RETAIN_AS_PUBLISHED;
  if (options.retain_handling == 1) bits |= MQTT_SUB_OPT_SEND_RETAIN_NEW;
  if (options.retain_handling == 2) bits |= MQTT_SUB_OPT_SEND_RETAIN_NEVER;
  return bits;
}

bool all_plain(const std::vector<std::string>& filters) {
  return !filters.empty() && std::none_of(filters.begin(), filters.end(), has_nul);
}

}  // namespace

libmosquitto_client::libmosquitto_client(boost::asio::io_context& io, client_settings settings)
    : connection_(std::make_shared<connection>(io, std::move(settings))) {}

libmosquitto_client::~libmosquitto_client() {
  connection_->abandon();
}

void libmosquitto_client::start(client_events& events) {
  connection_->start(events);
}
void libmosquitto_client::disconnect() {
  connection_->disconnect();
}
void libmosquitto_client::hold() {
  connection_->hold();
}
void libmosquitto_client::release() {
  connection_->release();
}

result<packet_id> libmosquitto_client::publish(const message& what) {
  mosquitto* object = connection_->writable();
  if (!object) return not_connected();
  if (has_nul(what.topic)) return error{errc::invalid, "topic with NUL"};
  if (what.payload.size() > MQTT_MAX_PAYLOAD) return refusal(MOSQ_ERR_PAYLOAD_SIZE);
  property_list properties;
  if (connection_->mqtt5()) {
    auto list = to_list(what.properties);
    if (!list) return list.error();
    std::swap(*properties.out(), *list->out());
  }
  packet_id id = 0;
  const int code = mosquitto_publish_v5(
      object, &id, what.topic.c_str(), static_cast<int>(what.payload.size()), what.payload.data(),
      std::min(what.qos, connection_->qos_max()), what.retain, properties.get());
  if (code != MOSQ_ERR_SUCCESS) return refusal(code);
  connection_->schedule_flush();
  return id;
}

result<packet_id> libmosquitto_client::subscribe(const std::vector<std::string>& filters,
                                                 const subscribe_options& options,
                                                 std::optional<std::uint32_t> subscription_id) {
  mosquitto* object = connection_->writable();
  if (!object) return not_connected();
  if (!all_plain(filters)) return error{errc::invalid, "no filter or one with NUL"};
  property_list properties;
  int bits = 0;
  if (connection_->mqtt5()) {
    bits = option_bits(options);
    if (subscription_id) {
      mosquitto_property_add_varint(properties.out(), MQTT_PROP_SUBSCRIPTION_IDENTIFIER,
                                    *subscription_id);
    }
  }
  packet_id id = 0;
  const int code =
      mosquitto_subscribe_multiple(object, &id, static_cast<int>(filters.size()),
                                   c_strings(filters).data(), options.qos, bits, properties.get());
  if (code != MOSQ_ERR_SUCCESS) return refusal(code);
  connection_->schedule_flush();
  return id;
}

result<packet_id> libmosquitto_client::unsubscribe(const std::vector<std::string>& filters) {
  mosquitto* object = connection_->writable();
  if (!object) return not_connected();
  if (!all_plain(filters)) return error{errc::invalid, "no filter or one with NUL"};
  packet_id id = 0;
  const int code = mosquitto_unsubscribe_multiple(object, &id, static_cast<int>(filters.size()),
                                                  c_strings(filters).data(), nullptr);
  if (code != MOSQ_ERR_SUCCESS) return refusal(code);
  connection_->schedule_flush();
  return id;
}

}  // namespace linkd::mqtt

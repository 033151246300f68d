#include "config/link_json.hpp"

#include <boost/json/array.hpp>

#include "config/values.hpp"

namespace linkd::config {
namespace {

namespace json = boost::json;

json::array list_of(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& each : texts) out.emplace_back(each);
  return out;
}

json::array list_of(const std::vector<server_address>& servers) {
  json::array out;
  for (const server_address& each : servers) out.emplace_back(to_string(each));
  return out;
}

json::value accept_json(const std::optional<accept_settings>& accept) {
  if (!accept) return nullptr;
  return {{"password_file", accept->password_file}, {"certificate", accept->certificate}};
}

std::string_view protocol_text(mqtt_protocol protocol) {
  switch (protocol) {
    case mqtt_protocol::automatic:
      return "auto";
    case mqtt_protocol::v5:
      return "5";
    case mqtt_protocol::v311:
      return "3.1.1";
  }
  return "";
}

json::object queue_json(const queue_settings& queue) {
  return {
      {"max_bytes", size_text(queue.bytes_max)},
      {"max_age", duration_text(queue.age_max)},
      {"overflow", queue.overflow == overflow_policy::drop_oldest ? "drop_oldest" : "drop_newest"},
      {"sync", queue.sync == sync_policy::batch ? "batch" : "none"},
      {"qos0", queue.qos0 == qos0_policy::keep ? "keep" : "live"}};
}

json::object mqtt_json(const link_mqtt_settings& mqtt) {
  return {{"protocol", protocol_text(mqtt.protocol)},
          {"keepalive", duration_text(mqtt.keepalive)},
          {"connections", mqtt.connections},
          {"max_inflight", mqtt.inflight_frames_max},
          {"retry_interval", duration_text(mqtt.retry_interval)}};
}

json::object tls_json(const tls_settings& tls) {
  return {{"ca_file", tls.ca_file},
          {"cert_file", tls.cert_file},
          {"key_file", tls.key_file},
          {"verify", tls.verify},
          {"server_name", tls.server_name}};
}

}  // namespace

json::object link_json(const link_settings& link) {
  return {{"name", link.name},
          {"enable", link.enable},
          {"server", list_of(link.servers)},
          {"insecure", link.insecure},
          {"username", link.login.username},
          {"password", link.login.password.empty() ? "" : secret_mask},
          {"password_file", link.login.password_file},
          {"client_id_prefix", link.client_id_prefix},
          {"control_prefix", link.control_prefix},
          {"topics", list_of(link.topics)},
          {"allow", list_of(link.allow)},
          {"accept", accept_json(link.accept)},
          {"frame_key_file", link.frame_key_file},
          {"interest_expiry", duration_text(link.interest_expiry)},
          {"compression", link.compression == compression_kind::zstd ? "zstd" : "none"},
          {"retained", link.retained == retained_policy::live ? "live" : "off"},
          {"queue", queue_json(link.queue)},
          {"mqtt", mqtt_json(link.mqtt)},
          {"tls", tls_json(link.tls)}};
}

}  // namespace linkd::config

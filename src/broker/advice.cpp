#include "broker/advice.hpp"

#include "mqtt_linkd/limits.hpp"

namespace linkd::broker_adapter {

namespace {

// CONNACK: MQTT 5, section 3.2.2.2; MQTT 3.1.1, section 3.2.2.3 (1 to 5).
std::string after_refusal(std::uint8_t code, const broker_settings& settings) {
  switch (code) {
    case 0x01:
    case 0x84:
      return "set broker.protocol to a version it speaks, or to auto";
    case 0x02:
    case 0x85:
      return "it does not accept the client id " + settings.client_id + "; set broker.client_id";
    case 0x04:
    case 0x86:
    case 0x8c:
      return "check broker.username and the password";
    case 0x05:
    case 0x87:
      return settings.login.username.empty()
                 ? "it does not allow anonymous clients; set broker.username and a password"
                 : "check broker.username, the password and what the broker lets this user do";
    case 0x8a:
      return "it has banned this client; ask its operator";
    case 0x95:
      return "it refuses our CONNECT as too large";
    case 0x97:
    case 0x9f:
      return "it has reached a limit of its own; ask its operator";
    case 0x9c:
    case 0x9d:
      return "it wants us at another server; change broker.server";
    default:
      return {};
  }
}

}  // namespace

std::string explain(const mqtt::end_of_connection& end, const broker_settings& settings) {
  std::string text = end.reason.text;
  std::string advice;
  if (end.kind == mqtt::end_kind::refused) advice = after_refusal(end.reason_code, settings);
  if (end.kind == mqtt::end_kind::by_peer && end.reason_code == 0x8e) {
    advice = "duplicate_client_id: another client uses the client id " + settings.client_id +
             "; give each its own";
  }
  if (end.kind == mqtt::end_kind::no_connack) {
    advice = settings.protocol == mqtt_protocol::v5
                 ? "it may not speak MQTT 5; set broker.protocol to auto"
                 : "is this its port for MQTT, and mqtt:// or mqtts:// right?";
  }
  if (!advice.empty()) text += ": " + advice;
  return text;
}

std::vector<std::string> weaker(const mqtt::connack& granted, const broker_settings& settings) {
  std::vector<std::string> words;
  const auto say = [&](bool is_weaker, const std::string& what) {
    if (is_weaker) words.push_back(what);
  };
  say(granted.receive_maximum < limits::publishes_inflight_max,
      "it takes " + std::to_string(granted.receive_maximum) +
          " messages of ours at a time, which limits the speed: raise max_inflight_messages "
          "(mosquitto)");
  say(granted.packet_bytes_max != 0 && granted.packet_bytes_max < settings.message_bytes_max,
      "it takes no packet of more than " + std::to_string(granted.packet_bytes_max) +
          " bytes, a larger message becomes a dead letter: raise max_packet_size (mosquitto), "
          "mqtt.max_packet_size (EMQX)");
  say(granted.qos_max == 0,
      "it takes QoS 0 only, what it loses is lost: raise max_qos (mosquitto), "
      "mqtt.max_qos_allowed (EMQX)");
  say(!granted.retain_available,
      "it keeps no retained messages, the flag is cleared: set retain_available (mosquitto), "
      "mqtt.retain_available (EMQX)");
  say(!granted.wildcards_available,
      "it takes no filter with + or #: set mqtt.wildcard_subscription (EMQX)");
  say(!granted.subscription_ids_available,
      "it has no subscription identifiers: where filters of peers overlap, more than they match "
      "is captured");
  say(granted.session_expiry && *granted.session_expiry < settings.session_expiry,
      "it keeps our session for " +
          std::to_string(granted.session_expiry.value_or(seconds(0)).count()) + " s, not for the " +
          std::to_string(settings.session_expiry.count()) +
          " s of broker.session_expiry, what is published while the daemon is away for longer is "
          "lost: raise session_expiry of mod_mqtt (ejabberd), mqtt.session_expiry_interval (EMQX)");
  say(granted.keepalive && *granted.keepalive > settings.keepalive,
      "it wants a keepalive of " + std::to_string(granted.keepalive.value_or(seconds(0)).count()) +
          " s, not broker.keepalive: a dead connection is noticed later");
  return words;
}

}  // namespace linkd::broker_adapter

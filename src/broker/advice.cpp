#include "broker/advice.hpp"

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
  if (end.kind == mqtt::end_kind::no_connack && settings.protocol == mqtt_protocol::v5) {
    advice = "it may not speak MQTT 5; set broker.protocol to auto";
  }
  if (!advice.empty()) text += ": " + advice;
  return text;
}

}  // namespace linkd::broker_adapter

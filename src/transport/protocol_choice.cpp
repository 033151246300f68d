#include "transport/protocol_choice.hpp"

#include "mqtt_linkd/mqtt_reason.hpp"

namespace linkd::transport {
namespace {

// "Unsupported protocol version" in the two forms of a CONNACK.
constexpr std::uint8_t unacceptable_version_v311 = 1;

}  // namespace

bool protocol_choice::learn(const mqtt::end_of_connection& end) {
  const bool before = mqtt5();
  const bool names_version =
      end.kind == mqtt::end_kind::refused && (end.reason_code == mqtt_reason::unsupported_version ||
                                              end.reason_code == unacceptable_version_v311);
  if (before) {
    mqtt5_ = !names_version && end.kind != mqtt::end_kind::no_connack;
  } else {
    mqtt5_ = true;
  }
  return mqtt5() != before;
}

}  // namespace linkd::transport

#include "transport/protocol_choice.hpp"

#include <catch2/catch.hpp>

using namespace linkd;
using namespace linkd::transport;

namespace {

mqtt::end_of_connection end(mqtt::end_kind kind, std::uint8_t reason_code = 0) {
  return {kind, reason_code, {errc::io, "ended"}};
}

}  // namespace

TEST_CASE("protocol: MQTT 3.1.1 follows a refused MQTT 5 or no CONNACK", "[transport]") {
  for (const auto& refusal : {end(mqtt::end_kind::refused, 0x84), end(mqtt::end_kind::refused, 1),
                              end(mqtt::end_kind::no_connack)}) {
    CAPTURE(static_cast<int>(refusal.kind), refusal.reason_code);
    protocol_choice choice(mqtt_protocol::automatic);
    CHECK(choice.mqtt5());
    CHECK(choice.learn(refusal));
    CHECK_FALSE(choice.mqtt5());
    CHECK(choice.learn(end(mqtt::end_kind::by_peer)));
    CHECK(choice.mqtt5());
  }
}

TEST_CASE("protocol: MQTT 5 stays after any other end", "[transport]") {
  for (const auto& other : {end(mqtt::end_kind::unreachable), end(mqtt::end_kind::refused, 0x86),
                            end(mqtt::end_kind::by_peer), end(mqtt::end_kind::timed_out),
                            end(mqtt::end_kind::failed)}) {
    CAPTURE(static_cast<int>(other.kind));
    protocol_choice choice(mqtt_protocol::automatic);
    CHECK_FALSE(choice.learn(other));
    CHECK(choice.mqtt5());
  }
}

TEST_CASE("protocol: what the operator wants is not changed", "[transport]") {
  protocol_choice five(mqtt_protocol::v5), three(mqtt_protocol::v311);
  CHECK_FALSE(five.learn(end(mqtt::end_kind::no_connack)));
  CHECK(five.mqtt5());
  CHECK_FALSE(three.learn(end(mqtt::end_kind::no_connack)));
  CHECK_FALSE(three.mqtt5());
}

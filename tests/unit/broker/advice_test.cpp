#include "broker/advice.hpp"

#include <catch2/catch.hpp>

using namespace linkd;

TEST_CASE("advice: a refused connection says what to change", "[advice]") {
  broker_settings settings;
  settings.client_id = "mqtt-linkd-paris";
  const mqtt::end_of_connection anonymous{
      mqtt::end_kind::refused, 0x87, {errc::refused, "mqtt://b:1883: Not authorized"}};
  CHECK_THAT(broker_adapter::explain(anonymous, settings), Catch::Contains("anonymous"));
  settings.login.username = "linkd";
  CHECK_THAT(broker_adapter::explain(anonymous, settings), Catch::Contains("broker.username"));
  const mqtt::end_of_connection taken_over{
      mqtt::end_kind::by_peer, 0x8e, {errc::io, "disconnected by the broker"}};
  CHECK_THAT(broker_adapter::explain(taken_over, settings), Catch::Contains("mqtt-linkd-paris"));
  const mqtt::end_of_connection silent{
      mqtt::end_kind::no_connack, 0, {errc::io, "closed before CONNACK"}};
  CHECK_THAT(broker_adapter::explain(silent, settings), Catch::Contains("mqtts://"));
  settings.protocol = mqtt_protocol::v5;
  CHECK_THAT(broker_adapter::explain(silent, settings), Catch::Contains("broker.protocol"));
}

#include "mqtt/libmosquitto/properties.hpp"

#include <mqtt_protocol.h>

#include <catch2/catch.hpp>

using namespace linkd;

TEST_CASE("properties: all of a publisher's properties survive both ways", "[mqtt]") {
  publish_properties all;
  all.payload_format_indicator = 1;
  all.message_expiry_interval_s = 4'000'000'000;
  all.content_type = "text/plain";
  all.response_topic = "answers/1";
  all.correlation_data = bytes("\0\x01\xff", 3);
  all.user_properties = {{"b", "1"}, {"a", "2"}, {"b", ""}, {"ü", "€"}};
  const auto list = mqtt::to_list(all);
  REQUIRE(list.has_value());
  CHECK(mqtt::from_list(list->get()) == all);
}

TEST_CASE("properties: none is none, empty is empty", "[mqtt]") {
  const auto none = mqtt::to_list({});
  REQUIRE(none.has_value());
  CHECK(none->get() == nullptr);
  publish_properties empty;
  empty.content_type = "";
  empty.correlation_data = "";
  const auto list = mqtt::to_list(empty);
  REQUIRE(list.has_value());
  CHECK(mqtt::from_list(list->get()) == empty);
}

TEST_CASE("properties: what MQTT cannot carry is refused", "[mqtt]") {
  publish_properties nul;
  nul.content_type = std::string("a\0b", 3);
  CHECK(mqtt::to_list(nul).error().code == errc::invalid);
  publish_properties not_utf8;
  not_utf8.user_properties = {{"a", "\xff"}};
  CHECK(mqtt::to_list(not_utf8).error().code == errc::invalid);
  publish_properties too_long;
  too_long.correlation_data = bytes(65'536, 'x');
  CHECK(mqtt::to_list(too_long).error().code == errc::invalid);
}

TEST_CASE("properties: subscription identifiers are read, all of them", "[mqtt]") {
  mqtt::property_list list;
  for (const std::uint32_t id : {1u, 127u, 128u, 268'435'455u}) {
    REQUIRE(mosquitto_property_add_varint(list.out(), MQTT_PROP_SUBSCRIPTION_IDENTIFIER, id) ==
            MOSQ_ERR_SUCCESS);
  }
  CHECK(mqtt::subscription_ids(list.get()) == std::vector<std::uint32_t>{1, 127, 128, 268'435'455});
  CHECK(mqtt::from_list(list.get()) == publish_properties{});
}

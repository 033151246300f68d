#include "transport/publishing.hpp"

#include <catch2/catch.hpp>

#include "transport/envelope.hpp"

using namespace linkd;
using namespace linkd::transport;

namespace {

const std::string topic = "$LINK/paris/from/london";
const publishing where{{scheme::mqtt, "broker.paris", 1883}, "london", "paris"};

mqtt::connack granting(std::uint32_t packet_bytes) {
  mqtt::connack granted;
  granted.packet_bytes_max = packet_bytes;
  return granted;
}

// MQTT 5, section 3.3: fixed header with a four-byte length, topic, packet identifier, properties.
const std::size_t overhead = 5 + 2 + topic.size() + 2 + 1 + envelope_overhead_bytes_max;

}  // namespace

TEST_CASE("publishing: a frame fits into the broker's packets", "[transport]") {
  CHECK(frame_bytes_max(granting(0), true, topic).value() == limits::frame_bytes_max);
  CHECK(frame_bytes_max(granting(~0u), true, topic).value() == limits::frame_bytes_max);
  CHECK(frame_bytes_max(granting(20'000), true, topic).value() == 20'000 - overhead);
  CHECK(frame_bytes_max(granting(0), false, topic).value() == (128u << 10) - overhead);
}

TEST_CASE("publishing: packets too small for a link are refused", "[transport]") {
  const auto smallest = static_cast<std::uint32_t>(4096 + overhead);
  CHECK(frame_bytes_max(granting(smallest), true, topic).value() == 4096);
  CHECK(frame_bytes_max(granting(smallest - 1), true, topic).error().code == errc::refused);
  CHECK(frame_bytes_max(granting(1), true, topic).error().code == errc::refused);
}

TEST_CASE("publishing: what a PUBACK says", "[transport]") {
  CHECK_FALSE(publish_failure(0, topic, where));
  const auto absent = publish_failure(0x10, topic, where);
  REQUIRE(absent);
  CHECK(absent->code == errc::unavailable);
  CHECK(absent->text ==
        "paris's daemon is not there: nobody is subscribed to $LINK/paris/from/london on "
        "mqtt://broker.paris:1883");
  const auto forbidden = publish_failure(0x87, topic, where);
  REQUIRE(forbidden);
  CHECK(forbidden->code == errc::permission);
  CHECK(forbidden->text ==
        "not authorized to publish $LINK/paris/from/london on mqtt://broker.paris:1883: allow "
        "write for user london");
  const auto dollar = publish_failure(0x90, "$LINK/a/from/b", where);
  REQUIRE(dollar);
  CHECK(dollar->code == errc::refused);
  CHECK(dollar->text.find("control_prefix") != std::string::npos);
  CHECK(publish_failure(0x90, "linkd/a/from/b", where)->text.find("$") == std::string::npos);
  const auto quota = publish_failure(0x97, topic, where);
  REQUIRE(quota);
  CHECK(quota->code == errc::unavailable);
  CHECK(quota->text.find("0x97") != std::string::npos);
}

TEST_CASE("publishing: what a SUBACK says", "[transport]") {
  CHECK_FALSE(subscribe_failure(1, topic, where));
  const auto forbidden = subscribe_failure(0x87, topic, {where.server, "", ""});
  REQUIRE(forbidden);
  CHECK(forbidden->code == errc::permission);
  CHECK(forbidden->text ==
        "not authorized to subscribe $LINK/paris/from/london on mqtt://broker.paris:1883 (reason "
        "code 0x87): allow read for anonymous clients");
}

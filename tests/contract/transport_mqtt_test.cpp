#include "tests/contract/mqtt_world.hpp"
#include "tests/contract/transport_contract.hpp"

// The contract of the transport ports with the mqtt transport and a real broker, with the ways in
// which the transport can be set up.

using namespace linkd;
using namespace linkd::test;

namespace {

struct mqtt5 : mqtt_world {};

struct mqtt311 : mqtt_world {
  mqtt311() {
    paris.broker.protocol = mqtt_protocol::v311;
    link_to_paris.mqtt.protocol = mqtt_protocol::v311;
  }
};

struct plain_prefix : mqtt_world {
  plain_prefix() {
    link_to_paris.control_prefix = "site/links";
    link_from_london.control_prefix = "site/links";
  }
};

struct keyed : mqtt_world {
  keyed() {
    const auto file = broker.directory() / "frame.key";
    write_file(file, std::string(32, 'k'));
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    link_to_paris.frame_key_file = file;
    link_from_london.frame_key_file = file;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("mqtt transport: delivers in order both ways", "[transport]", mqtt5, mqtt311,
                   plain_prefix, keyed) {
  TestType world;
  contract::delivers_in_order_both_ways(world);
}

TEMPLATE_TEST_CASE("mqtt transport: delivers the largest frames", "[transport]", mqtt5, mqtt311,
                   keyed) {
  TestType world;
  contract::delivers_the_largest_frames(world);
}

TEST_CASE("mqtt transport: tells what is unsent and when there is room", "[transport]") {
  mqtt5 world;
  contract::tells_what_is_unsent_and_when_there_is_room(world);
}

TEMPLATE_TEST_CASE("mqtt transport: closing one end takes the other down", "[transport]", mqtt5,
                   mqtt311, keyed) {
  TestType world;
  contract::closing_one_end_takes_the_other_down(world);
}

TEST_CASE("mqtt transport: can be closed at every point", "[transport]") {
  mqtt5 world;
  contract::can_be_closed_at_every_point(world);
}

TEST_CASE("mqtt transport: can be closed inside every event", "[transport]") {
  mqtt5 world;
  contract::can_be_closed_inside_every_event(world);
}

TEST_CASE("mqtt transport: a refused inbound path leaves no trace", "[transport]") {
  mqtt5 world;
  contract::a_refused_inbound_path_leaves_no_trace(world);
}

TEST_CASE("mqtt transport: frames wait for the start of an inbound path", "[transport]") {
  mqtt5 world;
  contract::frames_wait_for_the_start_of_an_inbound_path(world);
}

TEMPLATE_TEST_CASE("mqtt transport: a broken line takes both ends down and the next dial works",
                   "[transport]", mqtt5, mqtt311) {
  TestType world;
  contract::a_broken_line_takes_both_ends_down_and_the_next_dial_works(world);
}

TEST_CASE("mqtt transport: a line that was silent loses nothing", "[transport]") {
  mqtt5 world;
  contract::a_line_that_was_silent_loses_nothing(world);
}

TEST_CASE("mqtt transport: survives a storm of reconnects", "[transport]") {
  mqtt5 world;
  contract::survives_a_storm_of_reconnects(world);
}

TEST_CASE("mqtt transport: an absent peer is a path that goes down", "[transport]") {
  mqtt5 world;
  contract::an_absent_peer_is_a_path_that_goes_down(world);
}

TEMPLATE_TEST_CASE("mqtt transport: a second dial replaces the first", "[transport]", mqtt5,
                   keyed) {
  TestType world;
  contract::a_second_dial_replaces_the_first(world);
}

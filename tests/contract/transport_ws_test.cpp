#include "tests/contract/transport_contract.hpp"
#include "tests/contract/ws_world.hpp"

// The contract of the transport ports over direct connections.

using namespace linkd;
using namespace linkd::test;

TEST_CASE("ws transport: delivers in order both ways", "[transport]") {
  ws_world world(GENERATE(scheme::ws, scheme::wss));
  contract::delivers_in_order_both_ways(world);
}

TEST_CASE("ws transport: delivers the largest frames", "[transport]") {
  ws_world world(GENERATE(scheme::ws, scheme::wss));
  contract::delivers_the_largest_frames(world);
}

TEST_CASE("ws transport: tells what is unsent and when there is room", "[transport]") {
  ws_world world(GENERATE(scheme::ws, scheme::wss));
  contract::tells_what_is_unsent_and_when_there_is_room(world);
}

TEST_CASE("ws transport: closing one end takes the other down", "[transport]") {
  ws_world world(GENERATE(scheme::ws, scheme::wss));
  contract::closing_one_end_takes_the_other_down(world);
}

TEST_CASE("ws transport: can be closed at every point", "[transport]") {
  ws_world world(GENERATE(scheme::ws, scheme::wss));
  contract::can_be_closed_at_every_point(world);
}

TEST_CASE("ws transport: can be closed inside every event", "[transport]") {
  ws_world world(GENERATE(scheme::ws, scheme::wss));
  contract::can_be_closed_inside_every_event(world);
}

TEST_CASE("ws transport: a refused inbound path leaves no trace", "[transport]") {
  ws_world world(GENERATE(scheme::ws, scheme::wss));
  contract::a_refused_inbound_path_leaves_no_trace(world);
}

TEST_CASE("ws transport: frames wait for the start of an inbound path", "[transport]") {
  ws_world world(GENERATE(scheme::ws, scheme::wss));
  contract::frames_wait_for_the_start_of_an_inbound_path(world);
}

TEST_CASE("ws transport: a broken line takes both ends down and the next dial works",
          "[transport]") {
  ws_world world(GENERATE(scheme::ws, scheme::wss));
  contract::a_broken_line_takes_both_ends_down_and_the_next_dial_works(world);
}

TEST_CASE("ws transport: an absent peer is a path that goes down", "[transport]") {
  ws_world world(GENERATE(scheme::ws, scheme::wss));
  contract::an_absent_peer_is_a_path_that_goes_down(world);
}

TEST_CASE("ws transport: a line that was silent loses nothing", "[transport]") {
  ws_world world(GENERATE(scheme::ws, scheme::wss));
  contract::a_line_that_was_silent_loses_nothing(world);
}

TEST_CASE("ws transport: survives a storm of reconnects", "[transport]") {
  ws_world world(GENERATE(scheme::ws, scheme::wss));
  contract::survives_a_storm_of_reconnects(world);
}

TEST_CASE("ws transport: a second dial replaces the first", "[transport]") {
  ws_world world(GENERATE(scheme::ws, scheme::wss));
  contract::a_second_dial_replaces_the_first(world);
}

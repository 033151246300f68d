#include "tests/contract/transport_contract.hpp"
#include "tests/sim/sim_network.hpp"
#include "tests/sim/world.hpp"

// The contract of the transport ports over the network of the simulator: what is proved over it
// holds for paths that behave like the real ones.

using namespace linkd;
using namespace linkd::test;

namespace {

class sim_world {
 public:
  void accept(acceptor_events& events) { net_.listen("paris", &events); }
  void stop_accepting() { net_.listen("paris", nullptr); }
  std::unique_ptr<path> dial() { return london_.dial({}, {scheme::ws, "paris", 1}); }
  void break_line() {
    net_.partition("london", "paris");
    net_.reset("london", "paris");
  }
  void silence_line() { net_.silence("london", "paris"); }
  void mend_line() { net_.heal("london", "paris"); }
  template <class Condition>
  bool run_until(Condition condition) {
    return in_.run_until(condition, seconds(60));
  }
  void run_one() { in_.run_for(milliseconds(1)); }

 private:
  sim::world in_{1};
  sim::sim_network net_{in_};
  sim::sim_dialer london_{net_, "london"};
};

}  // namespace

TEST_CASE("sim transport: delivers in order both ways", "[transport]") {
  sim_world world;
  contract::delivers_in_order_both_ways(world);
}

TEST_CASE("sim transport: delivers the largest frames", "[transport]") {
  sim_world world;
  contract::delivers_the_largest_frames(world);
}

TEST_CASE("sim transport: tells what is unsent and when there is room", "[transport]") {
  sim_world world;
  contract::tells_what_is_unsent_and_when_there_is_room(world);
}

TEST_CASE("sim transport: closing one end takes the other down", "[transport]") {
  sim_world world;
  contract::closing_one_end_takes_the_other_down(world);
}

TEST_CASE("sim transport: can be closed at every point", "[transport]") {
  sim_world world;
  contract::can_be_closed_at_every_point(world);
}

TEST_CASE("sim transport: can be closed inside every event", "[transport]") {
  sim_world world;
  contract::can_be_closed_inside_every_event(world);
}

TEST_CASE("sim transport: a refused inbound path leaves no trace", "[transport]") {
  sim_world world;
  contract::a_refused_inbound_path_leaves_no_trace(world);
}

TEST_CASE("sim transport: frames wait for the start of an inbound path", "[transport]") {
  sim_world world;
  contract::frames_wait_for_the_start_of_an_inbound_path(world);
}

TEST_CASE("sim transport: a broken line takes both ends down and the next dial works",
          "[transport]") {
  sim_world world;
  contract::a_broken_line_takes_both_ends_down_and_the_next_dial_works(world);
}

TEST_CASE("sim transport: a line that was silent loses nothing", "[transport]") {
  sim_world world;
  contract::a_line_that_was_silent_loses_nothing(world);
}

TEST_CASE("sim transport: survives a storm of reconnects", "[transport]") {
  sim_world world;
  contract::survives_a_storm_of_reconnects(world);
}

TEST_CASE("sim transport: an absent peer is a path that goes down", "[transport]") {
  sim_world world;
  contract::an_absent_peer_is_a_path_that_goes_down(world);
}

TEST_CASE("sim transport: a second dial replaces the first", "[transport]") {
  sim_world world;
  contract::a_second_dial_replaces_the_first(world);
}

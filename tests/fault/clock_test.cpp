// Wall clocks that jump.
#include <catch2/catch.hpp>

#include "tests/e2e/one_way.hpp"
#include "tests/fault/faults.hpp"
#include "tests/support/eventually.hpp"

using namespace linkd;
using namespace linkd::test;
using namespace std::chrono_literals;

TEST_CASE("clock: a wall clock that jumps by years ends no connection and ages no message") {
  libc_faults time;
  one_way link({.messages_per_s_max = 200,
                .expiry_s = 3600,
                .queue_yaml = "queue: { max_age: 1d }\n",
                .environment_a = time.environment(),
                .environment_b = time.environment()});
  const double connects = link.a.metric("mqtt_linkd_link_connects_total");
  const std::size_t jumps = rounds(4, 40);
  for (std::size_t i = 0; i < jumps; ++i) {
    const std::size_t arrived = link.subscriber->arrived();
    time.set(i % 2 == 0 ? "clock 315360000 1 0 clock" : "clock -315360000 1 0 clock");
    link.publish(200);
    REQUIRE(link.subscriber->await_arrivals(arrived + 200, recovery));
  }
  CHECK(link.a.metric("mqtt_linkd_link_connects_total") == connects);
  CHECK(link.a.metric("mqtt_linkd_messages_dropped_total") == 0);
  CHECK(link.b.metric("mqtt_linkd_messages_dropped_total") == 0);
  time.clear();
  link.fault_ended();
  const ledger found = link.settled();
  report("wall clock jumps by 10 years, both ways", "faulty_libc: clock_gettime", jumps, link,
         found);
  CHECK(found == ledger{});
}

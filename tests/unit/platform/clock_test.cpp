#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <memory>
#include <set>
#include <vector>

#include "platform/asio_clock.hpp"
#include "platform/os_random.hpp"
#include "tests/support/run_until.hpp"

using namespace linkd;
using platform::asio_alarm;
using platform::asio_clock;

TEST_CASE("clock: never goes back, and both clocks move together", "[platform]") {
  const asio_clock clock;
  const time_point first = clock.now();
  const stamp first_stamp = clock.unix_time();
  CHECK(first.time_since_epoch().count() > 0);
  time_point last = first;
  while (clock.now() - first < milliseconds(5)) {
    CHECK(clock.now() >= last);
    last = clock.now();
  }
  CHECK(clock.unix_time() - first_stamp >= milliseconds(4));
}

TEST_CASE("alarm: wakes once, not before its time", "[platform]") {
  boost::asio::io_context io;
  const asio_clock clock;
  int woken = 0;
  time_point woken_at;
  asio_alarm alarm(io, [&] {
    ++woken;
    woken_at = clock.now();
  });
  const time_point when = clock.now() + milliseconds(3);
  alarm.wake_at(when);
  alarm.wake_at(when);
  REQUIRE(test::run_until(io, [&] { return woken > 0; }));
  CHECK(woken_at >= when);
  io.restart();
  io.run();
  CHECK(woken == 1);
}

TEST_CASE("alarm: a moment in the past wakes, but not from inside the call", "[platform]") {
  boost::asio::io_context io;
  int woken = 0;
  asio_alarm alarm(io, [&] { ++woken; });
  alarm.wake_at(time_point());
  CHECK(woken == 0);
  io.run();
  CHECK(woken == 1);
}

TEST_CASE("alarm: may be set again from its own call", "[platform]") {
  boost::asio::io_context io;
  const asio_clock clock;
  int woken = 0;
  std::unique_ptr<asio_alarm> alarm;
  alarm = std::make_unique<asio_alarm>(io, [&] {
    if (++woken < 3) alarm->wake_at(clock.now());
  });
  alarm->wake_at(clock.now());
  io.run();
  CHECK(woken == 3);
}

TEST_CASE("alarm: what is due already is still taken back", "[platform]") {
  boost::asio::io_context io;
  const asio_clock clock;
  int woken = 0;
  auto alarm = std::make_unique<asio_alarm>(io, [&] { ++woken; });
  // Several alarms due at once: asio queues all their handlers before the first of them runs.
  bool changed = false;
  std::vector<std::unique_ptr<asio_alarm>> before;
  const auto change = GENERATE(0, 1, 2);
  for (int i = 0; i < 4; ++i) {
    before.push_back(std::make_unique<asio_alarm>(io, [&] {
      if (std::exchange(changed, true)) return;
      if (change == 0) alarm->cancel();
      if (change == 1) alarm->wake_at(clock.now() + seconds(3600));
      if (change == 2) alarm.reset();
    }));
    before.back()->wake_at(time_point(microseconds(i + 1)));
  }
  alarm->wake_at(time_point(microseconds(100)));
  test::run_until(io, [&] { return changed; });
  io.poll();
  CHECK(changed);
  CHECK(woken == 0);
}

TEST_CASE("random: numbers do not repeat over refills or between sources", "[platform]") {
  platform::os_random first, second;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 100; ++i) {
    seen.insert(first.next());
    seen.insert(second.next());
  }
  CHECK(seen.size() == 200);
}

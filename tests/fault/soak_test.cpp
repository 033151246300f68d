// All faults at random for as long as LINKD_SOAK_MINUTES says (half a minute otherwise), from a
// seed that is printed (LINKD_SOAK_SEED repeats it). The daemons may be built with sanitizers: what
// those find ends a daemon that nobody killed.
#include <signal.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <random>

#include "mqtt_linkd/limits.hpp"
#include "tests/e2e/one_way.hpp"
#include "tests/fault/faults.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/sanitizer.hpp"

using namespace linkd;
using namespace linkd::test;
using namespace std::chrono_literals;

namespace {

std::uint64_t environment_number(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value ? std::stoull(value) : otherwise;
}

constexpr std::size_t resident_bytes_max = 100'000'000 + sanitizer_bytes;

struct soak {
  explicit soak(std::uint64_t seed, transport how)
      : random(seed),
        link({.how = how,
              .messages_per_s_max = 400,
              .environment_a = faults_a.environment(),
              .environment_b = faults_b.environment()}) {}

  // Nobody but us ends a daemon.
  void check_alive() {
    for (site* each : {&link.a, &link.b}) {
      INFO(each->name() << ":\n" << each->daemon_log().substr(each->daemon_log().size() / 2));
      REQUIRE(each->daemon().running());
      CHECK(each->daemon().resident_bytes_peak() < resident_bytes_max);
    }
  }

  void one_fault() {
    site& hit = random() % 2 == 0 ? link.a : link.b;
    libc_faults& disk = &hit == &link.a ? faults_a : faults_b;
    tcp_proxy& line = random() % 2 == 0 ? link.line_to_a : link.line_to_b;
    const auto for_a_while = std::chrono::milliseconds(random() % 3000);
    switch (random() % 10) {
      case 0:
        hit.kill_daemon();
        hit.start_daemon();
        ++kills;
        break;
      case 1:
        // Before it has begun to listen to signals they end it as they end any program.
        REQUIRE(eventually(recovery, [&] { return hit.metric("mqtt_linkd_build_info") == 1; }));
        if (hit.stop_daemon() != 0) FAIL_CHECK("a daemon did not end with 0");
        hit.start_daemon();
        break;
      case 2:
        hit.daemon().signal(SIGSTOP);
        std::this_thread::sleep_for(for_a_while);
        hit.daemon().signal(SIGCONT);
        break;
      case 3:
        hit.broker().stop();
        std::this_thread::sleep_for(for_a_while / 3);
        hit.broker().start();
        ++kills;
        break;
      case 4:
        line.cut();
        std::this_thread::sleep_for(for_a_while);
        line.restore();
        break;
      case 5:
        line.black_hole();
        std::this_thread::sleep_for(for_a_while);
        line.restore();
        break;
      case 6:
        line.reset();
        break;
      case 7: {
        const char* calls[] = {"sync", "write", "allocate", "open", "any"};
        const char* codes[] = {"EIO", "ENOSPC"};
        disk.set(std::string(calls[random() % 5]) + ' ' + codes[random() % 2] + ' ' +
                 std::to_string(1 + random() % 5) + " 0 /state/links/");
        std::this_thread::sleep_for(for_a_while);
        disk.clear();
        ++kills;
        break;
      }
      case 8:
        disk.set("sync hang 1 0 /state/");
        std::this_thread::sleep_for(for_a_while);
        disk.clear();
        break;
      default:  // by days, less than queue.max_age: a start has nothing but the wall clock
        disk.set("clock " + std::to_string(static_cast<long>(random() % 500'000) - 250'000) +
                 " 1 0 clock");
        break;
    }
    ++faults;
  }

  std::mt19937_64 random;
  libc_faults faults_a, faults_b;
  one_way link;
  std::size_t faults = 0, kills = 0;
};

}  // namespace

TEST_CASE("soak: all faults at random lose nothing and leak nothing") {
  const auto seed = environment_number("LINKD_SOAK_SEED", std::random_device{}());
  const auto minutes = environment_number("LINKD_SOAK_MINUTES", 0);
  const auto how = seed % 2 == 0 ? transport::mqtt : transport::ws;
  CAPTURE(seed, how);
  std::cout << "LINKD_SOAK_SEED=" << seed << " over " << how << std::endl;
  soak all(seed, how);
  const auto until =
      std::chrono::steady_clock::now() + (minutes > 0 ? std::chrono::seconds(60 * minutes) : 20s);
  std::size_t told = 0;
  while (std::chrono::steady_clock::now() < until) {
    all.link.publish(100 + all.random() % 200);
    all.one_fault();
    std::this_thread::sleep_for(std::chrono::milliseconds(all.random() % 700));
    all.check_alive();
    // The queue is not what is tested: now and then everything must have come through.
    if (all.faults % 10 != 0) continue;
    REQUIRE(eventually(
        recovery, [&] { return all.link.complete() && all.link.works(); }, 100ms));
    if (all.faults >= told + 50) {
      told = all.faults;
      std::cout << told << " faults, " << all.link.sent << " messages, resident "
                << all.link.a.daemon().resident_bytes() / 1'000'000 << " and "
                << all.link.b.daemon().resident_bytes() / 1'000'000 << " MB" << std::endl;
    }
  }
  all.link.fault_ended();
  const ledger found = all.link.settled();
  report("all faults at random", "soak, seed " + std::to_string(seed), all.faults, all.link, found);
  CAPTURE(found);
  CHECK(found.missing == 0);
  CHECK(found.overtaken == 0);
  CHECK(found.unexpected == 0);
  CHECK(found.repeated <= all.kills * (100 + 1000 + limits::publishes_inflight_max));
  // In good order, so that a leak would be told.
  CHECK(all.link.a.stop_daemon() == 0);
  CHECK(all.link.b.stop_daemon() == 0);
}

// What happens to the processes: killed, frozen, ended, started twice.
#include <signal.h>

#include <catch2/catch.hpp>
#include <random>

#include "tests/e2e/one_way.hpp"
#include "tests/fault/faults.hpp"
#include "tests/support/eventually.hpp"

using namespace linkd;
using namespace linkd::test;
using namespace std::chrono_literals;

namespace {

enum class victim { source, destination, alternating };

// Messages are published as fast as this, so that every kill meets some.
constexpr double rate = 3000;

void kill_battery(victim who, bool in_recovery, std::size_t kills, std::string_view name) {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  one_way link(rate);
  for (std::size_t i = 0; i < kills; ++i) {
    const std::size_t accepted = link.publisher->accepted();
    link.publish(150);
    if (!in_recovery) {
      REQUIRE(link.publisher->await_accepted(accepted + 1 + random() % 150, recovery));
    }
    const bool source = who == victim::source || (who == victim::alternating && i % 2 == 0);
    site& hit = source ? link.a : link.b;
    if (in_recovery) {
      // Not yet one moment of orderly work since the last one.
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 50'000));
    }
    hit.kill_daemon();
    hit.start_daemon();
  }
  link.fault_ended();
  const ledger found = link.settled();
  report(name, "SIGKILL at a random moment under load", kills, link, found);
  check_promise(found, kills);
}

}  // namespace

TEST_CASE("process: kill -9 of the source loses nothing") {
  kill_battery(victim::source, false, rounds(8, 200), "kill -9 of the source daemon");
}

TEST_CASE("process: kill -9 of the destination loses nothing") {
  kill_battery(victim::destination, false, rounds(8, 200), "kill -9 of the destination daemon");
}

TEST_CASE("process: kill -9 of both in turn loses nothing") {
  kill_battery(victim::alternating, false, rounds(8, 200), "kill -9 of both in turn");
}

TEST_CASE("process: kill -9 within 50 ms of the start, again and again, loses nothing") {
  kill_battery(victim::alternating, true, rounds(20, 200), "kill -9 during recovery");
}

// The SQLite way: the n-th call kills the process, n grows until a whole run is not touched.
TEST_CASE("process: a death at the n-th call of every kind loses nothing") {
  const std::string call =
      GENERATE(as<std::string>{}, "sync", "write", "open", "allocate", "unlink", "syncdir");
  CAPTURE(call);
  libc_faults source, destination;
  // Small segments and large messages: every run goes through several of them.
  one_way link({.payload_bytes = 8000,
                .queue_yaml = "queue: { max_bytes: 1MiB }\n",
                .environment_a = source.environment(),
                .environment_b = destination.environment()});
  std::size_t deaths = 0;
  bool untouched = false;
  for (std::size_t n = 1; !untouched; n += rounds(1 + n / 2, 1)) {
    CAPTURE(n);
    const std::string rule = call + " die " + std::to_string(n) + " 0 /state/";
    source.set(rule);
    destination.set(rule);
    link.publish(15);
    const auto dead_or_done = [&] {
      return !link.a.daemon().running() || !link.b.daemon().running() || link.complete();
    };
    REQUIRE(eventually(recovery, dead_or_done, 20ms));
    untouched = source.hits() + destination.hits() == 0;
    deaths += source.hits() + destination.hits();
    source.clear();
    destination.clear();
    const auto recovered = [&] {
      // Either may have been on its way out when the rules were taken back.
      for (site* each : {&link.a, &link.b}) {
        if (!each->daemon().running()) each->start_daemon();
      }
      return link.complete();
    };
    REQUIRE(eventually(recovery, recovered, 20ms));  // the queue is small
  }
  link.fault_ended();
  const ledger found = link.settled();
  report("death at the n-th " + call, "faulty_libc, n grows until untouched", deaths, link, found);
  check_promise(found, deaths);
  CHECK(deaths > 0);
}

TEST_CASE("process: SIGTERM under load ends with 0, loses nothing and repeats nothing") {
  const std::size_t stops = rounds(6, 50);
  one_way link(rate);
  for (std::size_t i = 0; i < stops; ++i) {
    const std::size_t accepted = link.publisher->accepted();
    link.publish(300);
    REQUIRE(link.publisher->await_accepted(accepted + 100, recovery));
    REQUIRE(eventually(recovery, [&] { return linked(link.a, link.b); }));
    site& stopped = i % 2 == 0 ? link.a : link.b;
    CHECK(stopped.stop_daemon() == 0);
    stopped.start_daemon();
  }
  link.fault_ended();
  const ledger found = link.settled();
  report("SIGTERM under load", "both daemons in turn", stops, link, found);
  CHECK(found == ledger{});
}

TEST_CASE("process: a daemon frozen for longer than every time-out comes back by itself") {
  const bool source = GENERATE(true, false);
  if (!source && rounds(1, 2) == 1) return;  // at night: each takes a minute
  one_way link(500);
  link.publish(2000);
  REQUIRE(link.subscriber->await_arrivals(200, patience));
  site& frozen = source ? link.a : link.b;
  site& other = source ? link.b : link.a;
  frozen.daemon().signal(SIGSTOP);
  const std::string timed_out = "Client mqtt-linkd-" + frozen.name() + " has exceeded timeout";
  CHECK(eventually(
      120s,
      [&] {
        return !other.link_up(frozen.name()) &&
               frozen.broker().log().find(timed_out) != std::string::npos;
      },
      100ms));
  frozen.daemon().signal(SIGCONT);
  link.fault_ended();
  const ledger found = link.settled();
  report("SIGSTOP longer than every time-out",
         source ? "source, until its broker and the peer gave it up"
                : "destination, until its broker and the peer gave it up",
         1, link, found);
  check_promise(found, 1);
}

TEST_CASE("process: a SIGTERM before the daemon has begun to work ends with 0") {
  libc_faults disk;
  one_way link({.environment_a = disk.environment()});
  CHECK(link.a.stop_daemon() == 0);
  disk.set("open hang 1 0 /state/");
  link.a.start_daemon();
  REQUIRE(eventually(patience, [&] { return disk.hits() > 0; }));
  link.a.daemon().signal(SIGTERM);
  disk.clear();
  CHECK(link.a.daemon().wait(patience).value_or(-1) == 0);
  link.a.start_daemon();
  link.publish(1);
  link.fault_ended();
  check_promise(link.settled(), 0);
}

TEST_CASE("process: a second SIGTERM ends at once also while the disk hangs") {
  libc_faults disk;
  one_way link({.environment_a = disk.environment()});
  disk.set("sync hang 1 0 /state/");
  link.publish(1);
  REQUIRE(eventually(patience, [&] { return disk.hits() > 0; }));
  link.a.daemon().signal(SIGTERM);
  REQUIRE(eventually(
      patience, [&] { return link.a.daemon_log().find("told to stop") != std::string::npos; }));
  link.a.daemon().signal(SIGTERM);
  CHECK(link.a.daemon().wait(patience).value_or(-1) == 0);
  disk.clear();
  link.a.start_daemon();
  link.fault_ended();
  check_promise(link.settled(), 1);
}

TEST_CASE("process: a second daemon on the same state directory refuses, the first goes on") {
  one_way link(rate);
  link.publish(2000);
  REQUIRE(link.subscriber->await_arrivals(100, patience));
  const std::size_t attempts = rounds(3, 20);
  for (std::size_t i = 0; i < attempts; ++i) {
    CHECK(run({daemon_program(), "-c", link.a.configuration()}).exit_code == 73);
  }
  link.fault_ended();
  const ledger found = link.settled();
  report("second daemon on the same directory", "started under load", attempts, link, found);
  CHECK(found == ledger{});
}

TEST_CASE("process: a message of which the daemon crashes each time becomes a dead letter") {
  libc_faults library;  // of which the call to libmosquitto is the one that knows the message
  one_way link(
      {.broker_yaml_b = "  client: libmosquitto\n", .environment_b = library.environment()});
  library.set("publish abort 1 0 orders/poison");
  link.publish(100);
  message poison;
  poison.topic = "orders/poison";
  poison.qos = 1;
  link.publisher->publish(std::move(poison));
  link.publish(100);
  const auto arrived_with_restarts = [&] {
    if (!link.b.daemon().running()) link.b.start_daemon();
    return link.subscriber->await_arrivals(200, 0ms) && link.complete();
  };
  REQUIRE(eventually(recovery, arrived_with_restarts, 20ms));
  const std::size_t crashes = library.hits();
  CHECK(crashes == 3);
  const auto letter = link.b.state() / "links" / "A" / "dead-letters" / "0000000001.jsonl";
  CHECK_THAT(read_file(letter), Catch::Contains("the daemon crashed each of 3 times"));
  link.fault_ended();
  const ledger found = link.settled();
  report("a message of which the daemon crashes each time",
         "faulty_libc: SIGABRT in mosquitto_publish", crashes, link, found);
  check_promise(found, crashes);
}

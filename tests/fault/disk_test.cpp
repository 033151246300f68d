// What disks do: calls that fail, disks that are full, slow, silent or lie, and directories that
// go away.
#include <sys/resource.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <iostream>
#include <vector>

#include "tests/e2e/http.hpp"
#include "tests/e2e/one_way.hpp"
#include "tests/fault/faults.hpp"
#include "tests/support/eventually.hpp"

using namespace linkd;
using namespace linkd::test;
using namespace std::chrono_literals;

namespace {

void check_books(const one_way& link) {
  const books now = books_of(link.a, "B");
  CAPTURE(now);
  CHECK(now.balanced());
}

bool capture_stopped(const one_way& link) {
  return link.a.metric("mqtt_linkd_broker_up") == 0;
}

bool says(const site& who, std::string_view text) {
  return who.daemon_log().find(text) != std::string::npos;
}

// Small segments and large messages: every few messages are another file.
constexpr const char* small_segments = "queue: { max_bytes: 1MiB }\n";
constexpr std::size_t large_message = 8000;

// With the destination away everything stays in the queue, on the disk that is tested.
void be_alone(one_way& link) {
  REQUIRE(link.b.stop_daemon() == 0);
  REQUIRE(eventually(patience, [&] { return !link.a.link_up("B"); }));
}

}  // namespace

TEST_CASE("disk: calls that fail once, or for a while, cost nothing but time") {
  libc_faults disk;
  one_way link({.payload_bytes = large_message,
                .queue_yaml = small_segments,
                .environment_a = disk.environment()});
  std::size_t faults = 0;
  const std::vector<std::string> all = {"sync",    "write", "open",   "allocate",
                                        "syncdir", "read",  "unlink", "any"};
  const std::vector<std::string> usual = {"sync", "write", "open", "any"};
  const std::size_t last = rounds(2, 12);
  for (const std::string& call : rounds(0, 1) == 1 ? all : usual) {
    for (const char* code : {"EIO", "ENOSPC"}) {
      for (std::size_t n = 1; n <= last; ++n) {
        for (const bool for_ever : {false, true}) {
          CAPTURE(call, code, n, for_ever);
          disk.set(call + ' ' + code + ' ' + std::to_string(n) + (for_ever ? " 0" : " 1") +
                   " /state/links/");
          link.publish(12);
          REQUIRE(eventually(
              recovery, [&] { return disk.hits() > 0 || link.complete(); }, 20ms));
          faults += disk.hits() > 0 ? 1 : 0;
          disk.clear();
          REQUIRE(eventually(
              recovery, [&] { return link.complete(); }, 20ms));
        }
      }
    }
  }
  link.fault_ended();
  const ledger found = link.settled();
  report("EIO or ENOSPC at the n-th call", "faulty_libc, once and until mended", faults, link,
         found);
  check_promise(found, faults);
  check_books(link);
  CHECK(link.a.daemon().running());
}

TEST_CASE("disk: short writes and interrupted calls cost nothing") {
  libc_faults disk;
  one_way link({.payload_bytes = large_message,
                .queue_yaml = small_segments,
                .environment_a = disk.environment(),
                .environment_b = disk.environment()});
  disk.set("write short 1 0 /state/\nread short 1 0 /state/\n");
  link.publish(100);
  REQUIRE(link.subscriber->await_arrivals(100, recovery));
  const std::size_t faults = disk.hits();
  CHECK(faults > 100);
  disk.set("write EINTR 1 50 /state/\nread EINTR 1 50 /state/\nopen EINTR 1 20 /state/\n");
  link.publish(100);
  link.fault_ended();
  const ledger found = link.settled();
  report("short writes and reads, EINTR", "faulty_libc, every call", faults + disk.hits(), link,
         found);
  CHECK(found == ledger{});
  check_books(link);
}

TEST_CASE("disk: after a failed sync no PUBACK leaves, the state says so, and it mends itself") {
  libc_faults disk;
  one_way link({.environment_a = disk.environment()});
  be_alone(link);
  disk.set("sync EIO 1 0 /queue/");
  link.publish(50);
  REQUIRE(eventually(patience, [&] { return capture_stopped(link); }));
  CHECK(says(link.a, "capture stopped, the queues cannot be written"));
  CHECK(link.a.waiting_for("B") == 0);
  // The publishers are the broker's matter; nobody acknowledged for us.
  REQUIRE(link.publisher->await_accepted(50, patience));
  REQUIRE(eventually(patience, [&] { return disk.hits() > 5; }));
  link.a.kill_daemon();
  disk.clear();
  link.fault_ended();
  link.a.start_daemon();
  REQUIRE(eventually(patience, [&] { return link.a.waiting_for("B") == 50; }));
  link.b.start_daemon();
  const ledger found = link.settled();
  report("fdatasync fails for ever, then kill -9", "faulty_libc", 1, link, found);
  CHECK(found == ledger{});
}

TEST_CASE("disk: a slow sync slows everything down and breaks nothing") {
  libc_faults disk;
  one_way link({.environment_a = disk.environment(), .environment_b = disk.environment()});
  disk.set("sync 200 1 0 /state/");
  const double connects = link.a.metric("mqtt_linkd_link_connects_total");
  link.publish(2000);
  REQUIRE(link.subscriber->await_arrivals(2000, recovery));
  const std::size_t slow = disk.hits();
  CHECK(slow > 0);
  CHECK(link.a.metric("mqtt_linkd_link_connects_total") == connects);
  disk.clear();
  link.fault_ended();
  const ledger found = link.settled();
  report("every sync takes 200 ms", "faulty_libc, both daemons", slow, link, found);
  CHECK(found == ledger{});
  check_books(link);
}

TEST_CASE("disk: while a sync hangs the admin port answers, the state says so, nothing is lost") {
  libc_faults disk;
  one_way link({.messages_per_s_max = 200, .environment_a = disk.environment()});
  link.publish(2000);
  REQUIRE(link.subscriber->await_arrivals(100, patience));
  disk.set("sync hang 1 0 /queue/");
  REQUIRE(eventually(patience, [&] { return disk.hits() > 0; }));
  const auto hang = rounds(1, 0) == 1 ? 15s : 120s;
  const auto until = std::chrono::steady_clock::now() + hang;
  std::vector<double> answer_ms;
  bool told = false;
  // Asked often, until the hang is over and the daemon has noticed it.
  while (std::chrono::steady_clock::now() < until || !told) {
    REQUIRE(std::chrono::steady_clock::now() < until + 60s);
    for (const char* path : {"/livez", "/metrics"}) {
      const auto asked = std::chrono::steady_clock::now();
      CHECK(http_get(link.a.admin_port(), path).status == 200);
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - asked;
      answer_ms.push_back(took.count());
    }
    told = says(link.a, "capture waits for the disk") && capture_stopped(link);
    std::this_thread::sleep_for(20ms);
  }
  CHECK(answer_ms.size() > 200);
  std::sort(answer_ms.begin(), answer_ms.end());
  std::cout << "admin port while a sync hung for " << hang.count() << " s: " << answer_ms.size()
            << " answers, median " << answer_ms[answer_ms.size() / 2] << " ms, 99% "
            << answer_ms[answer_ms.size() * 99 / 100] << " ms, longest " << answer_ms.back()
            << " ms\n";
  disk.clear();
  link.fault_ended();
  const ledger found = link.settled();
  report("a sync that hangs", "faulty_libc, " + std::to_string(hang.count()) + " s", 1, link,
         found);
  check_promise(found, 1);
  check_books(link);
}

TEST_CASE("disk: on a full tmpfs capture stops and goes on by itself when there is room") {
  std::unique_ptr<mounted_disk> disk;
  one_way link({.payload_bytes = 50'000,
                .queue_yaml = "queue: { max_bytes: 32MiB }\n",
                .before_start = [&](const site& a) {
                  disk = std::make_unique<mounted_disk>(mounted_disk::kind::tmpfs, a.state(),
                                                        12u << 20);
                }});
  if (!disk->is_mounted()) {
    WARN("not root: nothing was tested");
    return;
  }
  be_alone(link);
  link.publish(400);  // 20 MB
  REQUIRE(eventually(60s, [&] { return capture_stopped(link); }));
  CHECK(says(link.a, "No space left on device"));
  const double kept = link.a.waiting_for("B");
  CHECK(kept > 100);
  CHECK(kept < 400);
  link.b.start_daemon();
  link.fault_ended();
  const ledger found = link.settled();
  report("disk full by the queue itself", "tmpfs of 12 MiB, 20 MB published", 1, link, found);
  check_promise(found, 1);
  check_books(link);
}

TEST_CASE("disk: an ext4 that somebody else fills delays, and costs nothing") {
  std::unique_ptr<mounted_disk> disk;
  one_way link({.payload_bytes = large_message,
                .queue_yaml = small_segments,
                .before_start = [&](const site& a) {
                  disk = std::make_unique<mounted_disk>(mounted_disk::kind::ext4, a.state(),
                                                        32u << 20);
                }});
  if (!disk->is_mounted()) {
    WARN("not root: nothing was tested");
    return;
  }
  const std::size_t times = rounds(2, 10);
  for (std::size_t i = 0; i < times; ++i) {
    be_alone(link);
    const double captured = link.a.metric("mqtt_linkd_messages_captured_total");
    link.publish(3);
    REQUIRE(eventually(patience, [&] {
      return link.a.metric("mqtt_linkd_messages_captured_total") == captured + 3;
    }));
    disk->fill();
    link.publish(60);
    REQUIRE(eventually(60s, [&] { return capture_stopped(link); }));
    // What is in the queue leaves a full disk, too.
    const std::size_t arrived = link.subscriber->arrived();
    link.b.start_daemon();
    REQUIRE(link.subscriber->await_arrivals(arrived + 3, recovery));
    disk->empty();
    link.fault_ended();
    // Also what the broker still holds: the next round counts from here.
    REQUIRE(eventually(recovery, [&] { return link.works() && link.complete(); }));
  }
  const ledger found = link.settled();
  report("disk filled by somebody else", "ext4 image of 32 MiB", times, link, found);
  check_promise(found, times);
  check_books(link);
}

TEST_CASE("disk: a read-only file system is a state, and writable again it goes on") {
  libc_faults disk;
  one_way link({.environment_a = disk.environment()});
  disk.set("any EROFS 1 0 /state/");
  link.publish(50);
  REQUIRE(eventually(patience, [&] { return capture_stopped(link); }));
  CHECK(says(link.a, "Read-only file system"));
  disk.clear();
  link.fault_ended();
  const ledger found = link.settled();
  report("file system turns read-only", "faulty_libc: EROFS for ever", 1, link, found);
  check_promise(found, 1);
  check_books(link);
}

TEST_CASE("disk: a file size limit is a full disk, not a death") {
  one_way link({.payload_bytes = large_message, .queue_yaml = small_segments});
  be_alone(link);
  const rlimit small{20'000, RLIM_INFINITY};
  REQUIRE(::prlimit(link.a.daemon().pid(), RLIMIT_FSIZE, &small, nullptr) == 0);
  link.publish(40);
  REQUIRE(eventually(patience, [&] { return capture_stopped(link); }));
  const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
  REQUIRE(::prlimit(link.a.daemon().pid(), RLIMIT_FSIZE, &none, nullptr) == 0);
  link.fault_ended();
  link.b.start_daemon();
  const ledger found = link.settled();
  report("file size limit (ulimit -f)", "RLIMIT_FSIZE while running", 1, link, found);
  check_promise(found, 1);
  check_books(link);
}

TEST_CASE(
    "disk: a state directory that is lost or replaced while running is a state, not a death") {
  const bool replaced = GENERATE(false, true);
  one_way link({.payload_bytes = large_message, .queue_yaml = small_segments});
  be_alone(link);
  link.publish(5);
  REQUIRE(eventually(patience,
                     [&] { return link.a.metric("mqtt_linkd_messages_captured_total") == 5; }));
  const auto aside = link.a.directory() / "aside";
  std::filesystem::rename(link.a.state(), aside);
  if (replaced)
    std::filesystem::copy(aside, link.a.state(), std::filesystem::copy_options::recursive);
  link.publish(20);
  REQUIRE(eventually(patience, [&] { return capture_stopped(link); }));
  CHECK(says(link.a, "capture stopped, the queues cannot be written"));
  // Nothing was acknowledged that only the lost directory holds.
  CHECK(link.a.waiting_for("B") == 5);
  std::filesystem::remove_all(link.a.state());
  std::filesystem::rename(aside, link.a.state());
  link.fault_ended();
  REQUIRE(eventually(recovery, [&] { return link.a.waiting_for("B") == 25; }));
  link.a.kill_daemon();  // everything is where the next one looks for it
  link.a.start_daemon();
  link.b.start_daemon();
  const ledger found = link.settled();
  report(replaced ? "state directory replaced while running" : "state directory moved away",
         "rename, and back later", 1, link, found);
  check_promise(found, 1);
}

TEST_CASE("disk: a state directory that is deleted while running stops capture until a restart") {
  one_way link(0);
  std::filesystem::remove_all(link.a.state());
  link.publish(50);
  REQUIRE(eventually(patience, [&] { return capture_stopped(link); }));
  REQUIRE(link.publisher->await_accepted(50, patience));
  CHECK(link.a.daemon().running());
  link.a.kill_daemon();
  link.fault_ended();
  link.a.start_daemon();
  const ledger found = link.settled();
  report("state directory deleted while running", "rm -rf, then a restart", 1, link, found);
  check_promise(found, 1);
}

// What happens to the line between two sites.
#include <catch2/catch.hpp>
#include <thread>

#include "mqtt_linkd/limits.hpp"
#include "tests/e2e/http.hpp"
#include "tests/e2e/one_way.hpp"
#include "tests/fault/faults.hpp"
#include "tests/support/eventually.hpp"

using namespace linkd;
using namespace linkd::test;
using namespace std::chrono_literals;

namespace {

// Nothing that happens to the line alone may repeat a message.
void check_once(const ledger& found) {
  CAPTURE(found);
  CHECK(found == ledger{});
}

void on_both_lines(one_way& link, const std::function<void(tcp_proxy&)>& what) {
  what(link.line_to_a);
  what(link.line_to_b);
}

bool down(const one_way& link) {
  return !link.a.link_up("B") && !link.b.link_up("A");
}

}  // namespace

TEST_CASE("network: a line that works one way only is noticed, and nothing is lost or repeated") {
  const auto way = GENERATE(tcp_proxy::way::to_server, tcp_proxy::way::to_client);
  if (way == tcp_proxy::way::to_client && rounds(1, 2) == 1) return;  // at night: half a minute
  one_way link(300);
  link.publish(3000);
  REQUIRE(link.subscriber->await_arrivals(200, patience));
  on_both_lines(link, [&](tcp_proxy& line) { line.black_hole(way); });
  CHECK(eventually(
      90s, [&] { return down(link); }, 100ms));
  on_both_lines(link, [](tcp_proxy& line) { line.restore(); });
  link.fault_ended();
  const ledger found = link.settled();
  report("line works one way only",
         way == tcp_proxy::way::to_server ? "nothing reaches the brokers"
                                          : "nothing comes from the brokers",
         1, link, found);
  check_once(found);
}

TEST_CASE("network: a storm of resets delays, and nothing is lost or repeated") {
  const std::size_t resets = rounds(100, 1200);
  one_way link(200);
  link.publish(rounds(1500, 15'000));
  for (std::size_t i = 0; i < resets; ++i) {
    on_both_lines(link, [](tcp_proxy& line) { line.reset(); });
    std::this_thread::sleep_for(50ms);
  }
  link.fault_ended();
  const ledger found = link.settled();
  report("storm of RSTs", "every 50 ms, both lines", resets, link, found);
  check_once(found);
}

TEST_CASE("network: a peer that dies behind a silent line is noticed, and found again") {
  const auto how = GENERATE(transport::mqtt, transport::ws);
  one_way link(how, 200);
  link.publish(2000);
  REQUIRE(link.subscriber->await_arrivals(200, patience));
  // No FIN and no RST comes through.
  on_both_lines(link, [](tcp_proxy& line) { line.black_hole(); });
  link.b.kill_daemon();
  CHECK(eventually(
      90s, [&] { return !link.a.link_up("B"); }, 100ms));
  link.b.start_daemon();
  on_both_lines(link, [](tcp_proxy& line) { line.restore(); });
  link.fault_ended();
  const ledger found = link.settled();
  report("half-open: peer killed behind a silent line",
         how == transport::mqtt ? "proxy holds everything" : "the same, direct", 1, link, found);
  CHECK(found.missing == 0);
  CHECK(found.overtaken == 0);
  CHECK(found.repeated <= limits::publishes_inflight_max);
}

TEST_CASE("network: a black hole where we connect stops nothing else") {
  one_way link(0);
  on_both_lines(link, [](tcp_proxy& line) {
    line.cut();
    line.restore();
    line.black_hole();  // accepts, and nothing ever comes
  });
  REQUIRE(eventually(patience, [&] { return down(link); }));
  link.publish(500);
  REQUIRE(eventually(patience, [&] { return link.a.waiting_for("B") == 500; }));
  const std::size_t attempts = rounds(1, 5);
  for (std::size_t i = 0; i < attempts; ++i) {
    const auto before = link.line_to_b.relayed_bytes();
    CHECK(http_get(link.a.admin_port(), "/livez").status == 200);
    std::this_thread::sleep_for(3s);
    CHECK(link.line_to_b.relayed_bytes() == before);
  }
  on_both_lines(link, [](tcp_proxy& line) { line.restore(); });
  link.fault_ended();
  const ledger found = link.settled();
  report("black hole during connect", "accepted, then silence", attempts, link, found);
  check_once(found);
}

TEST_CASE("network: a name server that never answers delays one link, not the others") {
  libc_faults net;
  one_way link({.messages_per_s_max = 300, .environment_a = net.environment()});
  net.set("dns hang 1 0 black-hole\n");
  write_file(link.a.directory() / "links.d" / "C.yaml",
             "name: C\nserver: mqtt://black-hole.example:1883\ntopics: ['c/#']\n");
  REQUIRE(eventually(patience, [&] { return net.hits() > 0; }));
  link.publish(1500);
  REQUIRE(link.subscriber->await_arrivals(1500, recovery));
  CHECK(http_get(link.a.admin_port(), "/metrics").status == 200);
  // The attempt itself is given up.
  CHECK(eventually(
      60s, [&] { return net.hits() > 1; }, 100ms));
  CHECK_FALSE(link.a.link_up("C"));
  CHECK(link.a.stop_daemon() == 0);
  net.clear();
  link.fault_ended();
  link.a.start_daemon();
  const ledger found = link.settled();
  report("name server that never answers", "faulty_libc: getaddrinfo hangs", 1, link, found);
  check_once(found);
}

TEST_CASE("network: a name is looked up at each attempt, so a network may come up late or move") {
  const auto how = GENERATE(transport::mqtt, transport::ws);
  CAPTURE(how);
  libc_faults net;
  site a("A"), b("B");
  a.write_link("B", "", {});
  std::string door = a.door(how);
  b.write_link("A", door.replace(door.find("127.0.0.1"), 9, "localhost"), {"orders"});
  b.set_environment(net.environment());
  net.set("dns EIO 1 3 localhost\n");
  a.start_daemon();
  b.start_daemon();
  REQUIRE(eventually(patience, [&] { return linked(a, b); }));
  CHECK(net.hits() == 3);
  CHECK(b.daemon_log().find("Temporary failure in name resolution") != std::string::npos);
  net.set("dns 0 1 0 localhost\n");  // counts
  a.kill_daemon();
  REQUIRE(eventually(patience, [&] { return net.hits() > 0 && !b.link_up("A"); }));
  a.start_daemon();
  CHECK(eventually(patience, [&] { return linked(a, b); }));
}

TEST_CASE("network: 64 kbit/s are slow, and enough") {
  one_way link({.payload_bytes = 1000});
  const double connects = link.a.metric("mqtt_linkd_link_connects_total");
  on_both_lines(link, [](tcp_proxy& line) { line.set_bytes_per_s(8000); });
  link.publish(rounds(1500, 10'000));
  CHECK(link.publisher->await_accepted(link.sent, patience));
  REQUIRE(link.subscriber->await_arrivals(link.sent, 600s));
  CHECK(link.a.metric("mqtt_linkd_link_connects_total") == connects);
  link.fault_ended();
  const ledger found = link.settled();
  report("64 kbit/s", "proxy, both lines", 1, link, found);
  check_once(found);
}

TEST_CASE("network: half a second of delay each way costs time only") {
  one_way link(0);
  const double connects = link.a.metric("mqtt_linkd_link_connects_total");
  on_both_lines(link, [](tcp_proxy& line) { line.set_delay(500ms); });
  link.publish(5000);
  REQUIRE(link.subscriber->await_arrivals(link.sent, recovery));
  CHECK(link.a.metric("mqtt_linkd_link_connects_total") == connects);
  link.fault_ended();
  const ledger found = link.settled();
  report("500 ms of delay each way", "proxy, both lines", 1, link, found);
  check_once(found);
}

TEST_CASE("network: a connection cut at any byte is made again") {
  const std::size_t step = rounds(150, 13);
  one_way link(2000);
  std::size_t cuts = 0;
  for (std::size_t bytes = 1; bytes < 1500; bytes += step, ++cuts) {
    link.line_to_b.cut();
    link.line_to_a.cut();
    link.publish(5);
    link.line_to_b.restore();
    link.line_to_a.restore();
    const auto before = link.line_to_b.relayed_bytes();
    const auto so_far = [&] { return link.line_to_b.relayed_bytes() >= before + bytes; };
    REQUIRE(eventually(
        patience, [&] { return so_far() || link.complete(); }, 1ms));
  }
  link.fault_ended();
  const ledger found = link.settled();
  report("connection cut in the middle of a handshake or frame", "proxy", cuts, link, found);
  check_once(found);
}

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch.hpp>
#include <list>

#include "tests/e2e/ledger.hpp"
#include "tests/e2e/site.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/mqtt_peer.hpp"
#include "tests/support/ports.hpp"

// Direct links between whole daemons. What every link must do is tested in link_test.cpp and
// outage_test.cpp, over both transports.

using namespace linkd;
using namespace linkd::test;

namespace {

bool says(const site& where, std::string_view text) {
  return where.daemon_log().find(text) != std::string::npos;
}

// A's client publishes what B's client hears.
struct traffic {
  traffic(const site& a, const site& b)
      : publisher({.port = a.broker_port(), .client_id = "publisher", .messages_per_s_max = 1000}),
        subscriber({.port = b.broker_port(), .client_id = "subscriber", .filters = {"orders"}}) {}

  void publish(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) publisher.publish(numbered("orders", sent++, 200));
  }
  ledger settled() {
    CHECK(subscriber.await_arrivals(sent, patience));
    return compare(sent, "orders", subscriber.arrivals());
  }

  mqtt_peer publisher, subscriber;
  std::size_t sent = 0;
};

}  // namespace

TEST_CASE("direct: a link switched from mqtt to ws and back under load loses and repeats nothing") {
  site a("A");
  site b("B");
  a.write_link("B", "", {});
  b.write_link("A", a.door(transport::mqtt), {"orders"});
  a.start_daemon();
  b.start_daemon();
  REQUIRE(eventually(patience, [&] { return linked(a, b) && a.captures("orders"); }));
  traffic through(a, b);
  for (const auto next : {transport::ws, transport::mqtt, transport::ws}) {
    const auto connects = b.metric("mqtt_linkd_link_connects_total");
    through.publish(2000);
    REQUIRE(through.subscriber.await_arrivals(through.sent - 1500, patience));
    b.write_link("A", a.door(next), {"orders"});  // found by watching the directory
    REQUIRE(eventually(patience, [&] {
      return b.metric("mqtt_linkd_link_connects_total") == connects + 1 && linked(a, b);
    }));
  }
  CHECK(through.settled() == ledger{});
}

TEST_CASE("direct: when both dial exactly one connection stays, whoever is first") {
  const bool a_first = GENERATE(true, false);
  CAPTURE(a_first);
  site a("A");
  site b("B");
  a.write_link("B", b.door(transport::ws), {});
  b.write_link("A", a.door(transport::ws), {"orders"});
  site& first = a_first ? a : b;
  site& second = a_first ? b : a;
  first.start_daemon();
  REQUIRE(
      eventually(patience, [&] { return says(first, "link_down"); }));  // it has dialled in vain
  second.start_daemon();
  REQUIRE(eventually(patience, [&] { return linked(a, b) && a.captures("orders"); }));
  traffic through(a, b);
  through.publish(3000);
  CHECK(through.settled() == ledger{});
  // A is the smaller name: the connection it dialled is the one that both use.
  CHECK(eventually(patience, [&] {
    return says(a, "connected through ws://") && says(b, "dialled by the peer through ws://");
  }));
  CHECK(linked(a, b));
}

TEST_CASE("direct: without a server the link says whom it waits for") {
  site a("A");
  site b("B");
  a.write_link("B", "", {});
  b.write_link("A", a.door(transport::ws), {});
  a.start_daemon();
  REQUIRE(eventually(
      patience, [&] { return a.metric("mqtt_linkd_link_state", {"state=\"connecting\""}) == 1; }));
  CHECK(says(a, "waiting for B to dial"));
  b.start_daemon();
  CHECK(eventually(patience, [&] { return linked(a, b); }));
}

TEST_CASE("direct: who is refused is told why, on both sides") {
  site a("A");
  site b("B");
  std::string at_a, at_b;
  a.write_link("B", "", {});
  b.write_link("A", a.door(transport::ws), {});
  SECTION("a wrong password") {
    write_file(b.directory() / "password", "guessed\n");
    std::filesystem::permissions(b.directory() / "password", std::filesystem::perms(0600));
    at_a = "turned away 127.0.0.1: unauthorized: wrong password";
    at_b = "refused: unauthorized: wrong password";
  }
  SECTION("an unknown deployment") {
    std::filesystem::remove(a.directory() / "links.d" / "B.yaml");
    at_a = "turned away 127.0.0.1: unknown_deployment";
    at_b = "refused: unknown_deployment";
  }
  SECTION("a disabled link") {
    a.write_link("B", "", {}, "enable: false\n");
    at_a = "link_disabled";
    at_b = "A has disabled its link to B";
  }
  SECTION("the wrong name") {
    std::filesystem::remove(b.directory() / "links.d" / "A.yaml");
    b.write_link("C", a.door(transport::ws), {});
    at_a = "wrong_name";
    at_b = "wrong_name";
  }
  a.start_daemon();
  b.start_daemon();
  CAPTURE(at_a, at_b);
  CHECK(eventually(patience, [&] { return says(b, at_b); }));
  CHECK(eventually(patience, [&] { return says(a, at_a); }));
  CHECK(b.metric("mqtt_linkd_link_state", {"state=\"refused\""}) == 1);
}

TEST_CASE("direct: over TLS with certificates of both sides, renewed while the link is up") {
  certificates files;
  files.make("A", {.subject = "A", .names = "IP:127.0.0.1"});
  files.make("B", {.subject = "B"});
  const auto tls = [&](const std::string& name) {
    return "tls: { ca_file: " + files.path("ca.crt") + ", cert_file: " + files.path(name + ".crt") +
           ", key_file: " + files.path(name + ".key") + " }";
  };
  for (const char* key : {"A.key", "B.key"}) {
    std::filesystem::permissions(files.path(key), std::filesystem::perms(0600));
  }
  const std::string door = "wss://127.0.0.1:" + std::to_string(free_port());
  site a("A", "", "listen:\n  server: " + door + "\n  " + tls("A") + "\n");
  site b("B");
  a.write_link("B", "", {}, "accept: { certificate: B }\n");
  b.write_link("A", door, {"orders"}, tls("B") + "\n");
  a.start_daemon();
  b.start_daemon();
  REQUIRE(eventually(patience, [&] { return linked(a, b) && a.captures("orders"); }));
  traffic through(a, b);
  through.publish(1000);
  CHECK(through.settled() == ledger{});
  CHECK(a.metric("mqtt_linkd_certificate_expiry_timestamp_seconds", {"A.crt"}) > 0);

  const double expiry = a.metric("mqtt_linkd_certificate_expiry_timestamp_seconds", {"A.crt"});
  files.make("A", {.subject = "A", .names = "IP:127.0.0.1", .days = 100});
  REQUIRE(eventually(patience, [&] {
    return a.metric("mqtt_linkd_certificate_expiry_timestamp_seconds", {"A.crt"}) > expiry;
  }));
  through.publish(1000);
  CHECK(through.settled() == ledger{});
  CHECK(a.metric("mqtt_linkd_link_connects_total") == 1);
  CHECK(b.metric("mqtt_linkd_link_connects_total") == 1);
}

TEST_CASE("direct: a thousand strangers at the listener disturb no link and cost no memory") {
  site a("A");
  site b("B");
  a.write_link("B", "", {});
  b.write_link("A", a.door(transport::ws), {"orders"});
  a.start_daemon();
  b.start_daemon();
  REQUIRE(eventually(patience, [&] { return linked(a, b) && a.captures("orders"); }));
  traffic through(a, b);
  boost::asio::io_context io;
  std::list<boost::asio::ip::tcp::socket> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.emplace_back(io).connect({boost::asio::ip::address_v4::loopback(), a.listen_port()});
  }
  through.publish(5000);
  CHECK(through.settled() == ledger{});
  CHECK(a.metric("mqtt_linkd_link_connects_total") == 1);
  CHECK(a.daemon().resident_bytes_peak() < 200'000'000);
}

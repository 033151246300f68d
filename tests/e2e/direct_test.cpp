#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <list>
#include <random>

#include "tests/e2e/ledger.hpp"
#include "tests/e2e/site.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/mqtt_peer.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/raw_websocket.hpp"
#include "tests/support/sanitizer.hpp"
#include "tests/support/tcp_proxy.hpp"

// Direct links between whole daemons. What every link must do is tested in link_test.cpp and
// outage_test.cpp, over both transports.

using namespace linkd;
using namespace linkd::test;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

const std::string of_c = "QzpiZXR3ZWVuIGZyaWVuZHM=";  // C:between friends

bool says(const site& where, std::string_view text) {
  return where.daemon_log().find(text) != std::string::npos;
}

// Connections of strangers to the port of direct links. They stay until this ends.
class strangers {
 public:
  explicit strangers(std::uint16_t port) : port_(port) {}
  tcp::socket& come() {
    sockets_.emplace_back(io_).connect({asio::ip::address_v4::loopback(), port_});
    return sockets_.back();
  }
  // With C's password, up to the open WebSocket.
  tcp::socket& come_as_c() {
    tcp::socket& made = come();
    say(made, upgrade_request("C", of_c));
    bytes answer;
    asio::read_until(made, asio::dynamic_buffer(answer), "\r\n\r\n");
    CHECK(answer.starts_with("HTTP/1.1 101 "));
    return made;
  }
  // As much of it as is taken.
  static void say(tcp::socket& at, const bytes& what) {
    boost::system::error_code cut_off;
    asio::write(at, asio::buffer(what), cut_off);
  }

 private:
  std::uint16_t port_;
  asio::io_context io_;
  std::list<tcp::socket> sockets_;
};

// A listens with a certificate, B shows one; no passwords.
struct encrypted_sites {
  encrypted_sites() {
    make("A", {.subject = "A", .names = "IP:127.0.0.1"});
    make("B", {.subject = "B"});
  }
  // Replaces what was there.
  void make(const std::string& name, const certificates::wish& what) {
    files.make(name, what);
    std::filesystem::permissions(files.path(name + ".key"), std::filesystem::perms(0600));
  }
  // For B's link; without its certificate on demand.
  [[nodiscard]] std::string tls(const std::string& name, bool shown = true) const {
    std::string made = "tls: { ca_file: " + files.path("ca.crt");
    if (shown) {
      made +=
          ", cert_file: " + files.path(name + ".crt") + ", key_file: " + files.path(name + ".key");
    }
    return made + " }\n";
  }
  void link_a() { a.write_link("B", "", {}, "accept: { certificate: B }\n"); }
  void link_b(const std::string& more) { b.write_link("A", door, {"orders"}, more); }

  certificates files;
  const std::string door = "wss://127.0.0.1:" + std::to_string(free_port());
  site a{"A", "", "listen:\n  server: " + door + "\n  " + tls("A")};
  site b{"B"};
};

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

TEST_CASE(
    "direct: a link switched from mqtt to wss and back under load loses and repeats nothing") {
  encrypted_sites with;
  site &a = with.a, &b = with.b;
  with.link_a();
  b.write_link("A", a.door(transport::mqtt), {"orders"});
  a.start_daemon();
  b.start_daemon();
  REQUIRE(eventually(patience, [&] { return linked(a, b) && a.captures("orders"); }));
  traffic through(a, b);
  for (const bool direct : {true, false, true}) {
    const auto connects = b.metric("mqtt_linkd_link_connects_total");
    through.publish(2000);
    REQUIRE(through.subscriber.await_arrivals(through.sent - 1500, patience));
    // Found by watching the directory.
    if (direct) {
      with.link_b(with.tls("B"));
    } else {
      b.write_link("A", a.door(transport::mqtt), {"orders"});
    }
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
  encrypted_sites with;
  site &a = with.a, &b = with.b;
  with.link_a();
  with.link_b(with.tls("B"));
  a.start_daemon();
  b.start_daemon();
  REQUIRE(eventually(patience, [&] { return linked(a, b) && a.captures("orders"); }));
  traffic through(a, b);
  through.publish(1000);
  CHECK(through.settled() == ledger{});
  CHECK(a.metric("mqtt_linkd_certificate_expiry_timestamp_seconds", {"A.crt"}) > 0);

  const double expiry = a.metric("mqtt_linkd_certificate_expiry_timestamp_seconds", {"A.crt"});
  with.make("A", {.subject = "A", .names = "IP:127.0.0.1", .days = 100});
  REQUIRE(eventually(patience, [&] {
    return a.metric("mqtt_linkd_certificate_expiry_timestamp_seconds", {"A.crt"}) > expiry;
  }));
  through.publish(1000);
  CHECK(through.settled() == ledger{});
  CHECK(a.metric("mqtt_linkd_link_connects_total") == 1);
  CHECK(b.metric("mqtt_linkd_link_connects_total") == 1);
}

TEST_CASE("direct: a certificate that is not good enough is refused each time, with the reason") {
  encrypted_sites with;
  site &a = with.a, &b = with.b;
  std::string at_b;
  bool shown = true;
  SECTION("of A: another authority") {
    with.files.make_authority("other");
    with.make("A", {.names = "IP:127.0.0.1", .authority = "other"});
    at_b = "tls: unable to get local issuer certificate";
  }
  SECTION("of A: for another name") {
    with.make("A", {.names = "DNS:oslo.test"});
    at_b = "tls: IP address mismatch";
  }
  SECTION("of A: expired") {
    with.make("A", {.names = "IP:127.0.0.1", .days = -1});
    at_b = "tls: certificate has expired";
  }
  SECTION("of B: missing") {
    shown = false;
    at_b = "refused: unauthorized: a client certificate is needed";
  }
  SECTION("of B: expired") {
    with.make("B", {.subject = "B", .days = -1});
    at_b = "the peer refused our certificate: sslv3 alert certificate expired";
  }
  const tcp_proxy line(
      static_cast<std::uint16_t>(std::stoi(with.door.substr(with.door.rfind(':') + 1))));
  with.link_a();
  b.write_link("A", "wss://127.0.0.1:" + std::to_string(line.port()), {"orders"},
               with.tls("B", shown));
  a.start_daemon();
  b.start_daemon();
  CAPTURE(at_b);
  REQUIRE(eventually(patience, [&] { return says(b, "link_refused") && says(b, at_b); }));
  // The last attempt but one is over when another begins.
  CHECK(eventually(patience, [&] { return line.connections() >= 4; }));
  CHECK(eventually(patience,
                   [&] { return b.metric("mqtt_linkd_link_state", {"state=\"refused\""}) == 1; }));
  CHECK_FALSE(says(b, "link_up"));
  CHECK_FALSE(says(a, "link_up"));
}

TEST_CASE("direct: strangers of every kind at the listener disturb no link and cost no memory") {
  site a("A");
  site b("B");
  a.write_link("B", "", {});
  a.write_link("C", "", {});
  b.write_link("A", a.door(transport::ws), {"orders"});
  a.start_daemon();
  b.start_daemon();
  REQUIRE(eventually(patience, [&] { return linked(a, b) && a.captures("orders"); }));
  traffic through(a, b);
  through.publish(5000);
  strangers crowd(a.listen_port());
  for (int i = 0; i < 1000; ++i) crowd.come();
  std::mt19937 random(1);
  for (int i = 0; i < 100; ++i) {
    bytes noise;
    while (noise.size() < 20'000) noise += static_cast<char>(random());
    crowd.say(crowd.come(), noise);
    crowd.say(crowd.come(), upgrade_request("C", of_c).substr(0, random() % 200));
  }
  for (const std::uint64_t size :
       {std::uint64_t{4097}, std::uint64_t{1} << 62, ~std::uint64_t{0}}) {
    crowd.say(crowd.come_as_c(), message_header(size) + bytes(8192, 'x'));
  }
  const bytes bomb(64u << 20, '\0');
  crowd.say(crowd.come_as_c(), message_header(5) + "hello" + message_header(bomb.size()) + bomb);
  crowd.say(crowd.come_as_c(), message_header(bomb.size()) + bomb);
  through.publish(1000);
  CHECK(through.settled() == ledger{});
  CHECK(a.metric("mqtt_linkd_link_connects_total") == 1);
  CHECK(a.daemon().running());
  CHECK(a.daemon().resident_bytes_peak() < 200'000'000 + sanitizer_bytes);
}

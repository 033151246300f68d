#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch.hpp>

#include "tests/contract/transport_contract.hpp"
#include "tests/contract/ws_world.hpp"

// Who is let in over a direct connection, and what those are told who are not.

using namespace linkd;
using namespace linkd::test;
using Catch::Contains;
using contract::recorded_path;

namespace {

// Why a dial fails.
error fate_of_dial(ws_world& world) {
  recorded_path london(world.dial());
  london.at_up = [&] { london.send("hello"); };
  london.start();
  REQUIRE(world.run_until([&] { return london.down.has_value(); }));
  CHECK(london.frame_bytes_max == 0);
  return *london.down;
}

void check_that_dial_works(ws_world& world) {
  contract::connected both(world);
}

}  // namespace

TEST_CASE("ws access: a wrong password is refused every time, and both sides know why",
          "[transport]") {
  ws_world world;
  world.link_to_paris.login = {"", secret("guessed"), ""};
  contract::host paris;
  world.accept(paris);
  for (std::size_t attempt = 1; attempt <= 2; ++attempt) {
    const error why = fate_of_dial(world);
    CHECK(why.code == errc::refused);
    CHECK_THAT(why.text, Contains("unauthorized: wrong password"));
    CHECK(world.unreachable.size() == attempt);
  }
  CHECK(world.unreachable[0] == "london: turned away 127.0.0.1: unauthorized: wrong password");
  CHECK(paris.peers.empty());
}

TEST_CASE("ws access: a password that changes counts from the next attempt on", "[transport]") {
  ws_world world;
  contract::connected before(world);
  world.link_to_paris.login = {"", secret("new"), ""};
  CHECK(fate_of_dial(world).code == errc::refused);
  write_file(world.files.path("password"), "new");
  CHECK_FALSE(before.london.down.has_value());
  check_that_dial_works(world);
}

TEST_CASE("ws access: who is unknown or may not dial is told so", "[transport]") {
  ws_world world;
  contract::host paris;
  SECTION("no link of that name") {
    world.link_from_london.name = "oslo";
    world.accept(paris);
    CHECK_THAT(fate_of_dial(world).text, Contains("unknown_deployment"));
    CHECK(world.unreachable.empty());
    CHECK(world.log.count("dialler_refused") == 1);
  }
  SECTION("a link that nobody may dial for") {
    world.link_from_london.accept.reset();
    world.accept(paris);
    CHECK_THAT(fate_of_dial(world).text, Contains("unauthorized: nobody may dial as london"));
  }
  SECTION("the password file is gone: the reason is for our log only") {
    std::filesystem::remove(world.files.path("password"));
    world.link_to_paris.login = {"", secret("between friends"), ""};
    world.accept(paris);
    CHECK_THAT(fate_of_dial(world).text,
               Contains("cannot be checked") && !Contains("No such file"));
    REQUIRE(world.log.count("dialler_refused") == 1);
    CHECK_THAT(world.log.last("dialler_refused")->text, Contains(world.files.path("password")));
  }
  CHECK(paris.peers.empty());
}

TEST_CASE("ws access: failures of an address are limited, a success forgives", "[transport]") {
  ws_world world;
  const credentials right = world.link_to_paris.login;
  world.link_to_paris.login = {"", secret("guessed"), ""};
  contract::host paris;
  world.accept(paris);
  for (int i = 0; i < transport::failure_limit::burst; ++i) {
    CHECK_THAT(fate_of_dial(world).text, Contains("wrong password"));
  }
  CHECK_THAT(fate_of_dial(world).text, Contains("too_many_failures"));
  world.link_to_paris.login = right;
  CHECK_THAT(fate_of_dial(world).text, Contains("too_many_failures"));
  world.time.at += transport::failure_limit::refill;
  check_that_dial_works(world);
}

TEST_CASE("ws access: certificates that fail are limited too, and do not count as passwords",
          "[transport]") {
  ws_world world(scheme::wss);
  world.files.make_authority("other");
  world.files.make("london", {.subject = "london", .authority = "other"});
  contract::host paris;
  world.accept(paris);
  for (int i = 0; i < transport::failure_limit::burst; ++i) {
    CHECK_THAT(fate_of_dial(world).text, Contains("unknown ca"));
  }
  CHECK_THAT(fate_of_dial(world).text, !Contains("unknown ca"));  // closed unheard
  world.time.at += transport::failure_limit::refill;
  CHECK_THAT(fate_of_dial(world).text, Contains("unknown ca"));
  world.files.make("london", {.subject = "london"});
  world.time.at += transport::failure_limit::refill;
  check_that_dial_works(world);
  check_that_dial_works(world);
}

TEST_CASE("ws access: paris's certificate is checked at every attempt", "[transport]") {
  ws_world world(scheme::wss);
  std::string expected;
  SECTION("of an authority that london does not know") {
    world.files.make_authority("other");
    world.files.make("paris", {.names = "IP:127.0.0.1", .authority = "other"});
    expected = "unable to get local issuer certificate";
  }
  SECTION("for another name") {
    world.files.make("paris", {.names = "DNS:oslo.test"});
    expected = "IP address mismatch";
  }
  SECTION("expired") {
    world.files.make("paris", {.names = "IP:127.0.0.1", .days = -1});
    expected = "certificate has expired";
  }
  contract::host paris;
  world.accept(paris);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const error why = fate_of_dial(world);
    CHECK(why.code == errc::permission);
    CHECK_THAT(why.text, Contains("tls: " + expected));
  }
  CHECK(paris.peers.empty());
}

TEST_CASE("ws access: london's certificate is checked at every attempt", "[transport]") {
  ws_world world(scheme::wss);
  std::string expected, in_log;
  SECTION("missing") {
    world.link_to_paris.tls.cert_file.clear();
    world.link_to_paris.tls.key_file.clear();
    expected = "unauthorized: a client certificate is needed";
  }
  SECTION("for another name") {
    world.files.make("london", {.subject = "oslo"});
    expected = "unauthorized: the client certificate bears another name";
  }
  SECTION("of an authority that paris does not know") {
    world.files.make_authority("other");
    world.files.make("london", {.subject = "london", .authority = "other"});
    expected = "the peer refused our certificate: tlsv1 alert unknown ca";
    in_log = "unable to get local issuer certificate";
  }
  SECTION("expired") {
    world.files.make("london", {.subject = "london", .days = -1});
    expected = "the peer refused our certificate: sslv3 alert certificate expired";
    in_log = "certificate has expired";
  }
  contract::host paris;
  world.accept(paris);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const error why = fate_of_dial(world);
    CHECK((why.code == errc::permission || why.code == errc::refused));
    CHECK_THAT(why.text, Contains(expected));
  }
  REQUIRE(world.log.count("dialler_refused") == 1);
  CHECK_THAT(world.log.last("dialler_refused")->text, Contains(in_log.empty() ? expected : in_log));
  CHECK(paris.peers.empty());
}

TEST_CASE("ws access: a DNS name of the certificate counts like its common name", "[transport]") {
  ws_world world(scheme::wss);
  world.files.make("london", {.subject = "somebody", .names = "DNS:london"});
  check_that_dial_works(world);
}

TEST_CASE("ws access: a renewed certificate is shown after a reload, and nobody is disconnected",
          "[transport]") {
  ws_world world(scheme::wss);
  contract::connected before(world);
  world.files.make_authority("new");
  world.files.make("paris", {.names = "IP:127.0.0.1", .authority = "new"});
  world.link_to_paris.tls.ca_file = world.files.path("new.crt");
  CHECK(fate_of_dial(world).code == errc::permission);
  SECTION("a good one") {
    world.reload();
    CHECK_FALSE(before.london.down.has_value());
    check_that_dial_works(world);
  }
  SECTION("one that cannot be used: the old one stays") {
    write_file(world.files.path("paris.crt"), "half a certi");
    world.reload();
    CHECK(world.log.count("listen_certificate_bad") == 1);
    world.link_to_paris.tls.ca_file = world.files.path("ca.crt");
    check_that_dial_works(world);
  }
}

TEST_CASE("ws access: a listener whose address is taken listens as soon as it is free",
          "[transport]") {
  ws_world world;
  boost::asio::ip::tcp::acceptor other(
      world.io, {boost::asio::ip::make_address("127.0.0.1"), world.paris.listen->server.port});
  contract::host paris;
  world.begin_to_accept(paris);
  REQUIRE(world.run_until([&] { return world.log.count("listen_failed") == 1; }));
  CHECK_THAT(world.unreachable.at(0), Contains("london: cannot listen on ws://127.0.0.1"));
  other.close();
  check_that_dial_works(world);
  CHECK(world.log.count("listen_failed") == 1);
}

TEST_CASE("ws access: IPv6 works like IPv4", "[transport]") {
  ws_world world;
  world.paris.listen->server.host = "::1";
  contract::host paris;
  world.accept(paris);
  recorded_path london(world.dial_directly());
  london.at_up = [&] { london.send("hello"); };
  london.start();
  REQUIRE(world.run_until([&] { return !paris.paths.empty() || london.down.has_value(); }));
  INFO((london.down ? london.down->text : ""));
  REQUIRE(paris.paths.size() == 1);
  CHECK_THAT(london.description(), Contains("ws://[::1]:"));
}

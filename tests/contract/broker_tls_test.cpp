// TLS to the local broker: who is believed to be the broker.
#include <catch2/catch.hpp>

#include "tests/contract/broker_world.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/mosquitto_broker.hpp"
#include "tests/support/ports.hpp"

using namespace linkd;
using namespace linkd::test;

namespace {

// Also a server named "broker.test", a client, and an authority that nobody trusts.
struct broker_certificates : certificates {
  broker_certificates() {
    make_authority("other");
    make("server", {.subject = "server", .names = "DNS:broker.test"});
    make("client", {.subject = "client", .names = "DNS:client.test"});
  }
};

std::string listener(const certificates& files, std::uint16_t port, const std::string& more = "") {
  return "listener " + std::to_string(port) + " 127.0.0.1\ncafile " + files.path("ca.crt") +
         "\ncertfile " + files.path("server.crt") + "\nkeyfile " + files.path("server.key") + "\n" +
         more;
}

}  // namespace

TEST_CASE("broker tls: the certificate must be of a known authority and bear the name") {
  const broker_certificates files;
  const std::uint16_t port = free_port();
  mosquitto_broker broker(listener(files, port));
  broker_world world({scheme::mqtts, "127.0.0.1", port});
  auto& tls = world.settings.broker.tls;
  tls.ca_file = files.path("ca.crt");
  SECTION("the name expected") {
    tls.server_name = "broker.test";
    world.filters = {"a/#"};
    world.start();
    CHECK(world.until_up());
    REQUIRE(world.publish(1, make_message("b", bytes(300'000, 'x'))));  // many TLS records
    CHECK(world.until([&] { return world.published.contains(1); }));
  }
  SECTION("another name, at every attempt") {
    world.start();  // expects 127.0.0.1
    REQUIRE(world.until([&] { return world.downs.size() == 2; }));
    for (const auto& [reason, by_peer] : world.downs) {
      CHECK_THAT(reason.text, Catch::Contains("mismatch"));
    }
    CHECK(world.sessions.empty());
  }
  SECTION("another authority") {
    tls.server_name = "broker.test";
    tls.ca_file = files.path("other.crt");
    world.start();
    REQUIRE(world.until([&] { return world.downs.size() == 2; }));
    CHECK_THAT(world.downs.back().first.text, Catch::Contains("certificate"));
    CHECK(world.sessions.empty());
  }
  SECTION("nothing is checked on demand") {
    tls.ca_file = files.path("other.crt");
    tls.verify = false;
    world.start();
    CHECK(world.until_up());
  }
  SECTION("no such file") {
    tls.ca_file = files.path("missing.crt");
    world.start();
    REQUIRE(world.until([&] { return !world.downs.empty(); }));
    CHECK_THAT(world.downs.back().first.text, Catch::Contains("missing.crt"));
  }
}

TEST_CASE("broker tls: a client certificate is shown where it is asked for") {
  const broker_certificates files;
  const std::uint16_t port = free_port();
  mosquitto_broker broker(listener(files, port, "require_certificate true\n"));
  broker_world world({scheme::mqtts, "127.0.0.1", port});
  auto& tls = world.settings.broker.tls;
  tls.ca_file = files.path("ca.crt");
  tls.server_name = "broker.test";
  SECTION("with it") {
    tls.cert_file = files.path("client.crt");
    tls.key_file = files.path("client.key");
    world.start();
    CHECK(world.until_up());
  }
  SECTION("without it") {
    world.start();
    REQUIRE(world.until([&] { return !world.downs.empty(); }));
    CHECK(world.sessions.empty());
  }
}

TEST_CASE("broker tls: a server that does not speak TLS is not waited for long") {
  mosquitto_broker broker;
  broker_world world({scheme::mqtts, "127.0.0.1", broker.port()});
  world.start();
  REQUIRE(world.until([&] { return !world.downs.empty(); }));
  CHECK(world.sessions.empty());
}

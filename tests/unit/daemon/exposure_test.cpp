#include "daemon/exposure.hpp"

#include <catch2/catch.hpp>

using namespace linkd;
using namespace linkd::daemon;

TEST_CASE("exposures: a configuration that encrypts and verifies has none") {
  daemon_settings daemon;
  daemon.listen.emplace();
  CHECK(exposures(daemon, {link_settings{}}).empty());
}

TEST_CASE("exposures: everything in the clear or unverified is named") {
  daemon_settings daemon;
  daemon.broker.tls.verify = false;
  daemon.listen.emplace().insecure = true;
  link_settings clear, unverified;
  clear.name = "london";
  clear.insecure = true;
  unverified.name = "oslo";
  unverified.tls.verify = false;
  CHECK(exposures(daemon, {clear, unverified}) ==
        std::vector<std::string>{
            "broker: the other side's certificate is not verified",
            "listen: peers may send passwords and messages in the clear",
            "link london: password and messages may be sent in the clear",
            "link oslo: the other side's certificate is not verified",
        });
}

#include <catch2/catch.hpp>
#include <vector>

#include "tests/e2e/ledger.hpp"
#include "tests/e2e/site.hpp"
#include "tests/support/mqtt_peer.hpp"
#include "tests/support/tcp_proxy.hpp"

using namespace linkd;
using namespace linkd::test;

namespace {

std::vector<message> numbered_all(const std::vector<std::size_t>& numbers) {
  std::vector<message> all;
  for (const std::size_t number : numbers) all.push_back(numbered("t", number));
  return all;
}

}  // namespace

TEST_CASE("e2e support: the ledger finds what is missing, overtaken, repeated or unexpected") {
  CHECK(compare(4, "t", numbered_all({0, 1, 2, 3})) == ledger{});
  CHECK(compare(4, "other", numbered_all({0, 1, 2, 3})).missing == 4);
  CHECK(compare(4, "t", numbered_all({0, 1, 0, 1, 2, 3})).repeated == 2);
  CHECK(compare(4, "t", numbered_all({0, 1, 0, 1, 2, 3})).overtaken == 0);
  CHECK(compare(4, "t", numbered_all({0, 2, 1, 3})).overtaken == 1);
  CHECK(compare(4, "t", numbered_all({0, 2, 1, 3})).first_overtaken == "1 after 2");
  CHECK(compare(4, "t", numbered_all({0, 3})).missing == 2);
  CHECK(compare(4, "t", numbered_all({0, 3})).first_missing == "1 to 2");
  CHECK(compare(4, "t", numbered_all({0, 1, 2, 3, 4})).unexpected == 1);
}

TEST_CASE("e2e support: clients get everything through a broken line and a restarted broker") {
  constexpr std::size_t count = 3000;
  site only("S");
  tcp_proxy line(only.broker_port());
  mqtt_peer subscriber({.port = only.broker_port(), .client_id = "sub", .filters = {"t"}});
  mqtt_peer publisher({.port = line.port(), .client_id = "pub", .messages_per_s_max = 2000});
  for (std::size_t i = 0; i < count; ++i) publisher.publish(numbered("t", i));
  REQUIRE(subscriber.await_arrivals(500, patience));
  line.cut();
  line.restore();
  REQUIRE(subscriber.await_arrivals(1500, patience));
  only.broker().stop();
  only.broker().start();
  REQUIRE(publisher.await_accepted(count, patience));
  REQUIRE(subscriber.await_arrivals(count, patience));
  const ledger found = compare(count, "t", subscriber.arrivals());
  CHECK(found.missing == 0);
  CHECK(found.overtaken == 0);
  CHECK(found.repeated <= 300);
  CHECK(line.relayed_bytes() > count);
}

#include <signal.h>

#include <catch2/catch.hpp>

#include "tests/contract/subscription_world.hpp"
#include "tests/support/mqtt_peer.hpp"
#include "tests/support/process.hpp"
#include "tests/support/rabbitmq_broker.hpp"

// The rabbitmq source and the broker itself (scripts/interop live-rabbitmq installs it).
using namespace linkd;
using namespace linkd::test;

TEST_CASE("rabbitmq source: follows a real broker, at once where the event exchange is bound") {
  if (!rabbitmq_broker::is_installed()) {
    WARN("rabbitmq-server is not installed: run scripts/interop live-rabbitmq");
    return;
  }
  rabbitmq_broker broker;
  const auto ask = [&](const std::string& password, const std::string& method,
                       const std::string& path, const std::string& body) {
    return run({"curl", "-sf", "-u", "guest:" + password, "-X", method, "-H",
                "content-type: application/json", "-d", body,
                "http://127.0.0.1:" + std::to_string(broker.api_port()) + "/api/" + path})
               .exit_code == 0;
  };
  REQUIRE(ask("guest", "POST", "bindings/%2F/e/amq.rabbitmq.event/e/amq.topic",
              R"({"routing_key":"binding.#"})"));

  subscription_world world(interest_source::rabbitmq);
  world.settings.broker.server = {scheme::mqtt, "127.0.0.1", broker.port()};
  world.settings.interest.server = {scheme::http, "127.0.0.1", broker.api_port()};
  world.settings.interest.login = {"guest", secret("wrong"), ""};
  world.start();
  REQUIRE(world.until_unknown("check username and password"));
  world.stop();

  world.settings.interest.login = {"guest", secret("guest"), ""};
  const auto client = [&](const std::string& id, std::vector<std::string> filters) {
    return mqtt_peer_settings{
        .port = broker.port(), .client_id = id, .mqtt5 = false, .filters = std::move(filters)};
  };
  // A session that stays, of a client that goes.
  { mqtt_peer offline(client("off line", {"fleet/+/state", "a b/#"})); }
  world.settings.interest.poll = seconds(3600);  // from here on events only
  world.start();
  REQUIRE(world.until_complete({"fleet/+/state", "a b/#"}));
  // The follower's own subscription is an event, and no interest.
  process clean({{"mosquitto_sub", "-h", "127.0.0.1", "-p", std::to_string(broker.port()), "-i",
                  "clean", "-t", "+/x"},
                 {},
                 "/dev/null"});
  REQUIRE(world.until_complete({"fleet/+/state", "a b/#", "+/x"}));
  clean.signal(SIGTERM);
  REQUIRE(world.until_complete({"fleet/+/state", "a b/#"}));
  world.stop();

  // Another password than ours, for a while.
  world.settings.interest.poll = seconds(1);
  world.start();
  REQUIRE(world.until_complete({"fleet/+/state", "a b/#"}));
  const auto set_password = [&](const std::string& from, const std::string& to) {
    return ask(from, "PUT", "users/guest",
               R"({"tags":"administrator","password":")" + to + R"("})");
  };
  REQUIRE(set_password("guest", "other"));
  world.time.skew += seconds(60);  // as if the last good poll had been so long ago
  REQUIRE(world.until_unknown("check username and password"));
  REQUIRE(set_password("other", "guest"));
  REQUIRE(world.until_complete({"fleet/+/state", "a b/#"}));

  // Nobody answers, for a while.
  broker.stop();
  world.time.skew += seconds(60);
  REQUIRE(world.until_unknown("127.0.0.1"));
  broker.start();
  REQUIRE(run_until(
      world.io,
      [&] {
        return world.complete &&
               world.filters == subscription_world::view{"fleet/+/state", "a b/#"};
      },
      std::chrono::seconds(120)));
  world.stop();
}

#include <catch2/catch.hpp>
#include <set>

#include "tests/interop/stage.hpp"

using namespace linkd;
using namespace linkd::test;

TEST_CASE("interop brokers: each is started, carries a message, is killed and started again") {
  std::set<std::string> names;
  for (const ends& pair : all_pairs()) names.insert({pair.a.broker, pair.b.broker});
  for (const std::string& name : names) {
    CAPTURE(name);
    const auto broker = make_broker(name);
    const broker_traits& traits = broker->traits();
    const mqtt_peer client({.port = broker->port(),
                            .client_id = "before",
                            .mqtt5 = traits.mqtt5,
                            .username = traits.username,
                            .password = traits.password});
    broker->kill();
    broker->start();
    mqtt_peer echo({.port = broker->port(),
                    .client_id = "after",
                    .mqtt5 = traits.mqtt5,
                    .filters = {"a/b"},
                    .username = traits.username,
                    .password = traits.password});
    echo.publish(text_message("a/b", "hello"));
    REQUIRE(echo.await_arrivals(1, patience));
    CHECK(echo.arrivals().front().payload == "hello");
    broker->stop();
  }
}

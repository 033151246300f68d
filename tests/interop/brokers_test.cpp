#include <catch2/catch.hpp>
#include <set>

#include "tests/interop/stage.hpp"
#include "tests/support/eventually.hpp"

using namespace linkd;
using namespace linkd::test;

namespace {

std::set<std::string> all_brokers() {
  std::set<std::string> names;
  for (const ends& pair : all_pairs()) names.insert({pair.a.broker, pair.b.broker});
  return names;
}

}  // namespace

TEST_CASE(
    "interop brokers: one that carries no topic that begins with $ is found and the mend told") {
  for (const std::string& name : all_brokers()) {
    CAPTURE(name);
    site at = make_site("A", {name}, "$LINK");
    at.start_daemon();
    const auto told = [&](const char* event) {
      return at.daemon_log().find(event) != std::string::npos;
    };
    REQUIRE(eventually(patience, [&] { return told("acceptor_up") || told("acceptor_refused"); }));
    CHECK(told("acceptor_up") == carries_dollar_topics({name}));
    if (told("acceptor_refused")) CHECK(told("set control_prefix to a plain one"));
  }
}

TEST_CASE("interop brokers: each is started, carries a message, is killed and started again") {
  for (const std::string& name : all_brokers()) {
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

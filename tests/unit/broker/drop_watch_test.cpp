#include "broker/drop_watch.hpp"

#include <catch2/catch.hpp>

using namespace linkd;
using broker_adapter::drop_watch;

TEST_CASE("drop watch: growth is told with its size and the setting, history is not", "[broker]") {
  drop_watch watch;
  const time_point now{seconds(3600)};
  CHECK_FALSE(watch.on_value("17", now));
  CHECK_FALSE(watch.on_value("17", now));
  const auto warning = watch.on_value("20", now);
  REQUIRE(warning);
  CHECK_THAT(*warning, Catch::Contains("dropped 3 messages"));
  CHECK_THAT(*warning, Catch::Contains("max_queued_messages"));
}

TEST_CASE("drop watch: at most one warning a minute, and nothing is left out", "[broker]") {
  drop_watch watch;
  time_point now{seconds(3600)};
  CHECK_FALSE(watch.on_value("0", now));
  CHECK(watch.on_value("1", now));
  for (int i = 2; i < 60; ++i) CHECK_FALSE(watch.on_value(std::to_string(i), now += seconds(1)));
  const auto warning = watch.on_value("60", now += seconds(10));
  REQUIRE(warning);
  CHECK_THAT(*warning, Catch::Contains("dropped 59 messages"));
}

TEST_CASE("drop watch: a restarted broker counts from the beginning", "[broker]") {
  drop_watch watch;
  const time_point now{seconds(3600)};
  CHECK_FALSE(watch.on_value("100", now));
  CHECK_FALSE(watch.on_value("5", now));
  CHECK(watch.on_value("6", now));
}

TEST_CASE("drop watch: anything but a number is passed over", "[broker]") {
  drop_watch watch;
  const time_point now{seconds(3600)};
  for (const char* text : {"", "x", "-1", "1 ", "99999999999999999999999", "1.5"})
    CHECK_FALSE(watch.on_value(text, now));
  CHECK_FALSE(watch.on_value("7", now));
}

TEST_CASE("drop watch: subscribed once a connection, but not where the broker closes over it",
          "[broker]") {
  drop_watch watch;
  CHECK(watch.wants_subscription());
  watch.subscribing(3);
  CHECK_FALSE(watch.wants_subscription());
  watch.answered(3);
  watch.connection_lost(true);
  CHECK(watch.wants_subscription());
  watch.subscribing(4);
  watch.connection_lost(false);
  CHECK(watch.wants_subscription());
  watch.subscribing(5);
  watch.answered(4);
  watch.connection_lost(true);
  CHECK_FALSE(watch.wants_subscription());
}

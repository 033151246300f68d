#include "live/local_filter.hpp"

#include <catch2/catch.hpp>

#include "mqtt_linkd/limits.hpp"

using namespace linkd;
using namespace linkd::live;

TEST_CASE("local filter: a shared subscription counts as the filter behind its group", "[live]") {
  CHECK(local_filter("a/+/#", "$LINK") == "a/+/#");
  CHECK(local_filter("$share/g/a/b", "$LINK") == "a/b");
  CHECK(local_filter("$share/g//b", "$LINK") == "/b");
  CHECK(local_filter("$queue/a", "$LINK") == "a");
  CHECK(local_filter("$exclusive/a", "$LINK") == "a");
  CHECK(local_filter("$mine/a", "$LINK") == "$mine/a");
}

TEST_CASE("local filter: the broker's own topics and the control prefix are no interest",
          "[live]") {
  CHECK_FALSE(local_filter("$SYS/broker/#", "$LINK"));
  CHECK_FALSE(local_filter("$SYS", "$LINK"));
  CHECK_FALSE(local_filter("$share/g/$SYS/#", "$LINK"));
  CHECK_FALSE(local_filter("$LINK/a/from/b", "$LINK"));
  CHECK_FALSE(local_filter("linkd/x/#", "linkd/x"));
  CHECK(local_filter("linkd/xy", "linkd/x") == "linkd/xy");
  CHECK(local_filter("$SYSTEM/a", "$LINK") == "$SYSTEM/a");
}

TEST_CASE("local filter: what is no filter to us is covered by one", "[live]") {
  CHECK(local_filter("a/#/b", "$LINK") == "a/#");
  CHECK(local_filter("a/b+/c", "$LINK") == "a/#");
  CHECK(local_filter("#/a", "$LINK") == "#");
  CHECK(local_filter("x\xff/a", "$LINK") == "#");
  const std::string deep(limits::topic_levels_max + 10, '/');
  const auto cut = local_filter(deep, "$LINK");
  REQUIRE(cut.has_value());
  CHECK(cut->ends_with("//#"));
}

TEST_CASE("local filter: clients of every linkd daemon are known by their ids", "[live]") {
  CHECK(is_linkd_client("mqtt-linkd-paris", "mqtt-linkd-london"));
  CHECK(is_linkd_client("mine", "mine"));
  CHECK(is_linkd_client("mine:live", "mine"));
  CHECK_FALSE(is_linkd_client("mine2", "mine"));
  CHECK_FALSE(is_linkd_client("app", "mine"));
}

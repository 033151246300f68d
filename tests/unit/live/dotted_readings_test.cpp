#include "live/dotted_readings.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "topic/topic.hpp"

using namespace linkd;
using namespace linkd::live;

namespace {

using filters = std::vector<std::string>;

// As RabbitMQ spells it.
std::string key(std::string filter) {
  std::replace(filter.begin(), filter.end(), '/', '.');
  std::replace(filter.begin(), filter.end(), '+', '*');
  return filter;
}

}  // namespace

TEST_CASE("dotted readings: every separator may have been a dot", "[live]") {
  CHECK(read_dotted("a").filters.empty());
  CHECK(read_dotted("a/b").filters == filters{"a.b"});
  CHECK(read_dotted("v1/2/x").filters == filters{"v1.2/x", "v1/2.x", "v1.2.x"});
  CHECK(read_dotted("a/b/c/d").filters.size() == 7);
  CHECK(read_dotted("a/b/c/d").all);
}

TEST_CASE("dotted readings: beside a wildcard it was none", "[live]") {
  for (const auto* filter : {"#", "+", "a/#", "+/a", "a/+/b", "+/+/#"}) {
    CAPTURE(filter);
    CHECK(read_dotted(filter).filters.empty());
    CHECK(read_dotted(filter).all);
  }
  CHECK(read_dotted("v1/2/+/x/#").filters == filters{"v1.2/+/x/#"});
}

TEST_CASE("dotted readings: of many separators one was a dot, and that is told", "[live]") {
  const auto readings = read_dotted("a/b/c/d/e");
  CHECK_FALSE(readings.all);
  CHECK(readings.filters == filters{"a.b/c/d/e", "a/b.c/d/e", "a/b/c.d/e", "a/b/c/d.e"});
}

TEST_CASE("dotted readings: each is a filter that the broker spells the same", "[live]") {
  for (const auto* filter : {"a/b/c", "/a", "a/", "a//b", "/", "a/b/+/c/d/#", "a/b/c/d/e/f"}) {
    for (const std::string& reading : read_dotted(filter).filters) {
      CAPTURE(filter, reading);
      CHECK(topic::check_filter(reading).has_value());
      CHECK(key(reading) == key(filter));
      CHECK(reading != filter);
    }
  }
}

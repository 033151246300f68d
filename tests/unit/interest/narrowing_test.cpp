#include "interest/narrowing.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "tests/unit/topic/naive.hpp"
#include "topic/topic.hpp"

using namespace linkd;
using namespace linkd::interest;
using namespace std::chrono_literals;
namespace naive = linkd::topic::naive;

namespace {

using strings = std::vector<std::string>;

// A narrowing with the view it follows, as the deployment would keep them.
struct followed {
  explicit followed(strings topics, std::size_t filters_max = limits::announced_filters_max)
      : narrow(std::move(topics), local, filters_max) {}

  void complete(const strings& filters = {}) {
    local.complete = true;
    local.filters = {filters.begin(), filters.end()};
    narrow.restart();
    narrow.on_time(now);
  }
  void lose() {
    local.complete = false;
    local.filters.clear();
    narrow.restart();
  }
  void add(const std::string& filter) {
    if (local.filters.insert(filter).second) narrow.add(filter);
  }
  void remove(const std::string& filter) {
    if (local.filters.erase(filter) > 0) narrow.remove(filter, now);
  }
  void wait(microseconds time) {
    now += time;
    const auto due = narrow.deadline();
    if (due && *due <= now) narrow.on_time(now);
  }
  [[nodiscard]] strings announced() const {
    strings all(narrow.announced().begin(), narrow.announced().end());
    std::sort(all.begin(), all.end());
    return all;
  }

  local_view local{false, {}, 10s};
  time_point now{};
  narrowing narrow;
};

}  // namespace

TEST_CASE("narrowing: without a complete view topics are asked for as they are", "[interest]") {
  followed f({"a/#", "b"});
  CHECK(f.announced() == strings{"a/#", "b"});
  f.complete();
  CHECK(f.announced().empty());
  f.add("a/x");
  CHECK(f.announced() == strings{"a/x"});
  f.lose();
  CHECK(f.announced() == strings{"a/#", "b"});
  f.complete({"#"});
  CHECK(f.announced() == strings{"a/#", "b"});
}

// What EMQX's Cluster Linking asks for in the same cases.
TEST_CASE("narrowing: a local filter is intersected with every one of the topics", "[interest]") {
  struct row {
    std::string local;
    strings topics, announced;
  };
  const auto each = GENERATE(values<row>({
      {"t/global/#", {"t/+/1/+"}, {"t/global/1/+"}},
      {"1/+/3/+/5/#", {"+/2/+/4/+"}, {"1/2/3/4/5"}},
      {"t/global/#", {"t/local/+"}, {}},
      {"t", {"t/#"}, {"t"}},
      {"#", {"a/#"}, {"a/#"}},
      {"+/b/#", {"a/+/c/#"}, {"a/b/c/#"}},
      {"a", {"a/+"}, {}},
      {"$SYS/broker", {"#"}, {}},
      {"t/+/+", {"t/+/1/#", "t/z", "t/1/+"}, {"t/+/1", "t/1/+"}},
      {"t/+/2/3/#", {"t/1/+/3/#", "t/z", "t/1/2/+"}, {"t/1/2/3/#"}},
      {"t/+/#", {"t/1", "t/2", "t/3"}, {"t/1", "t/2", "t/3"}},
  }));
  CAPTURE(each.local, each.topics);
  followed f(each.topics);
  f.complete({each.local});
  CHECK(f.announced() == each.announced);
}

TEST_CASE("narrowing: a filter is withdrawn a linger time after its last subscriber",
          "[interest]") {
  followed f({"#"});
  f.complete();
  f.add("a/1");
  f.remove("a/1");
  CHECK(f.announced() == strings{"a/1"});
  f.wait(9s);
  CHECK(f.announced() == strings{"a/1"});
  f.add("a/1");  // back in time
  f.wait(100s);
  CHECK(f.announced() == strings{"a/1"});
  f.remove("a/1");
  f.wait(10s);
  CHECK(f.announced().empty());
  CHECK_FALSE(f.narrow.deadline());
}

TEST_CASE("narrowing: two local filters with one intersection count twice", "[interest]") {
  followed f({"a/b"});
  f.complete({"a/+", "+/b"});
  CHECK(f.announced() == strings{"a/b"});
  f.remove("a/+");
  f.wait(60s);
  CHECK(f.announced() == strings{"a/b"});
  f.remove("+/b");
  f.wait(60s);
  CHECK(f.announced().empty());
}

TEST_CASE("narrowing: new topics take effect at once, nothing of the old ones lingers",
          "[interest]") {
  followed f({"#"});
  f.complete({"a/1", "b/1"});
  f.remove("a/1");
  f.narrow.configure({"b/#"});
  CHECK(f.announced() == strings{"b/1"});
}

TEST_CASE("narrowing: a filter longer than peers take is cut", "[interest]") {
  followed f({"#"});
  const std::string filter = "a/" + std::string(limits::announced_filter_bytes_max, 'x');
  f.complete({filter});
  CHECK(f.announced() == strings{"a/#"});
  f.remove(filter);
  f.wait(10s);
  CHECK(f.announced().empty());
}

TEST_CASE("narrowing: too many filters are summarised, and detailed again when they are few",
          "[interest]") {
  followed f({"fleet/#", "x/y"}, 100);
  f.complete();
  for (int car = 0; car < 30; ++car) {
    for (int door = 0; door < 10; ++door) {
      f.add("fleet/" + std::to_string(car) + "/door/" + std::to_string(door));
      f.narrow.on_time(f.now);
      REQUIRE(f.announced().size() <= 100);
    }
  }
  REQUIRE(f.narrow.summary_levels() == 3u);
  f.wait(10s);
  CHECK(f.narrow.wanted() == 30);
  CHECK(f.announced().front() == "fleet/0/door/#");
  // What is announced covers what is wanted, while it shrinks and afterwards.
  for (int car = 1; car < 30; ++car) {
    for (int door = 0; door < 10; ++door) {
      f.remove("fleet/" + std::to_string(car) + "/door/" + std::to_string(door));
    }
  }
  f.wait(limits::summary_review_interval);
  CHECK_FALSE(f.narrow.summary_levels());
  f.wait(10s);
  CHECK(f.announced().size() == 10);
  CHECK(f.announced().front() == "fleet/0/door/0");
}

TEST_CASE("narrowing: filters that no number of levels makes few are the topics themselves",
          "[interest]") {
  followed f({"+/only"}, 100);
  f.complete();
  for (int i = 0; i < 200; ++i) f.add(std::to_string(i) + "/only");
  f.narrow.on_time(f.now);
  CHECK(f.narrow.summary_levels() == 0u);
  CHECK(f.announced() == strings{"+/only"});
}

// Goal: exact under any interleaving. Method: every wanted intersection with the time it was last
// there, computed anew from the whole view; with a small limit, that what is announced covers it.
TEST_CASE("narrowing: of few filters that change fast the oldest lingering ones go", "[interest]") {
  followed f({"#"}, 20);
  f.complete({"settled"});
  for (int i = 0; i < 1000; ++i) {
    const std::string passing = "t/" + std::to_string(i);
    f.add(passing);
    f.remove(passing);
    f.now += 1ms;
    f.narrow.on_time(f.now);
    REQUIRE(f.narrow.announced().size() <= 20);
    REQUIRE(f.narrow.announced().count("settled") == 1);
    REQUIRE(f.narrow.announced().count(passing) == 1);  // the newest
    REQUIRE_FALSE(f.narrow.summary_levels());
  }
  f.wait(11s);
  CHECK(f.announced() == strings{"settled"});
}

TEST_CASE("narrowing: equals a naive computation after any row of events", "[interest]") {
  const auto seed = GENERATE(range(1u, 17u));
  const bool small = GENERATE(false, true);
  CAPTURE(seed, small);
  naive::generator random(seed);
  const auto some = random.some(naive::filters(), 60);
  auto topics = linkd::topic::minimal_union(random.some(naive::filters(), 4));
  if (some.empty()) return;
  followed f(topics, small ? 4 : limits::announced_filters_max);
  std::map<std::string, time_point> last_there;

  const auto naive_parts = [&] {
    std::map<std::string, int> all;
    for (const auto& filter : f.local.filters) {
      for (const auto& part : linkd::topic::intersect(filter, topics)) ++all[part];
    }
    return all;
  };
  for (int round = 0; round < 400; ++round) {
    CAPTURE(round);
    switch (random.below(20)) {
      case 0:
        f.lose();
        last_there.clear();
        break;
      case 1:
        f.complete(random.some(some, 5));
        last_there.clear();
        break;
      case 2:
        topics = linkd::topic::minimal_union(random.some(naive::filters(), 4));
        f.narrow.configure(topics);
        last_there.clear();
        break;
      case 3:
      case 4:
        f.wait(seconds(static_cast<std::int64_t>(random.below(15))));
        break;
      default:
        if (!f.local.complete) break;
        if (random.below(2) == 0) {
          f.add(random.any(some));
        } else {
          f.remove(random.any(some));
        }
    }
    if (!f.local.complete) {
      REQUIRE(f.announced() == linkd::topic::minimal_union(topics));
      continue;
    }
    f.narrow.on_time(f.now);
    for (const auto& [part, count] : naive_parts()) last_there[part] = f.now;
    strings expected;
    std::erase_if(last_there, [&](const auto& each) { return each.second + 10s <= f.now; });
    for (const auto& [part, when] : last_there) expected.push_back(part);
    expected = linkd::topic::minimal_union(expected);
    const auto announced = f.announced();
    if (!small) {
      REQUIRE(announced == expected);
      continue;
    }
    for (const auto& [part, count] : naive_parts()) {
      CAPTURE(part, announced);
      REQUIRE(std::any_of(announced.begin(), announced.end(), [&](const std::string& wide) {
        return linkd::topic::covers(wide, part);
      }));
    }
    for (const auto& wide : announced) {  // never beyond the topics
      REQUIRE(std::any_of(topics.begin(), topics.end(), [&](const std::string& topic) {
        return linkd::topic::covers(topic, wide);
      }));
    }
  }
}

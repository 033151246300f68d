#include "interest/covering_set.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "tests/unit/topic/naive.hpp"
#include "topic/topic.hpp"

using namespace linkd::interest;
namespace naive = linkd::topic::naive;

namespace {

using strings = std::vector<std::string>;

strings sorted(const covering_set::filters& filters) {
  strings all(filters.begin(), filters.end());
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

TEST_CASE("covering set: what is covered waits until nobody covers it any more", "[interest]") {
  covering_set set;
  for (const auto* filter : {"a/b", "a/+", "c"}) set.insert(filter);
  CHECK(sorted(set.minimal()) == strings{"a/+", "c"});
  set.insert("#");
  CHECK(sorted(set.minimal()) == strings{"#"});
  set.erase("a/+");
  CHECK(sorted(set.minimal()) == strings{"#"});
  set.erase("#");
  CHECK(sorted(set.minimal()) == strings{"a/b", "c"});
}

TEST_CASE("covering set: a change that was undone is no difference", "[interest]") {
  covering_set set;
  set.insert("a");
  CHECK(set.take_difference().added == strings{"a"});
  CHECK_FALSE(set.changed());
  set.insert("#");
  set.insert("b");
  set.erase("#");
  const auto difference = set.take_difference();
  CHECK(difference.added == strings{"b"});
  CHECK(difference.removed.empty());
  set.clear();
  CHECK(set.take_difference().removed.size() == 2);
}

// Goal: exact after every change. Method: the union of a plain set is computed anew each time, and
// the differences, applied one after another, must lead to the same.
TEST_CASE("covering set: equals the minimal union after any row of changes", "[interest]") {
  const auto seed = GENERATE(range(1u, 9u));
  CAPTURE(seed);
  naive::generator random(seed);
  // A few filters, so that they come back, and of the shorter spelling.
  strings some;
  while (some.size() < 40) {
    const auto& filter = random.any(naive::filters());
    if (linkd::topic::minimal_union({filter}).front() == filter) some.push_back(filter);
  }
  covering_set set;
  std::set<std::string> plain, followed;
  for (int round = 0; round < 1000; ++round) {
    CAPTURE(round);
    const std::string& filter = random.any(some);
    if (random.below(2) == 0) {
      set.insert(filter);
      plain.insert(filter);
    } else {
      set.erase(filter);
      plain.erase(filter);
    }
    REQUIRE(sorted(set.minimal()) == linkd::topic::minimal_union({plain.begin(), plain.end()}));
    if (random.below(3) > 0) continue;
    const auto difference = set.take_difference();
    for (const auto& each : difference.removed) REQUIRE(followed.erase(each) == 1);
    for (const auto& each : difference.added) REQUIRE(followed.insert(each).second);
    REQUIRE(strings(followed.begin(), followed.end()) == sorted(set.minimal()));
  }
}

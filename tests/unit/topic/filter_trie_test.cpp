#include "topic/filter_trie.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "mqtt_linkd/limits.hpp"
#include "tests/unit/topic/naive.hpp"
#include "topic/topic.hpp"

using namespace linkd;
using namespace linkd::topic;

namespace {

using values = std::vector<int>;

values matched(const filter_trie<int>& trie, std::string_view name) {
  values found;
  trie.match(name, found);
  std::sort(found.begin(), found.end());
  return found;
}

values overlapped(const filter_trie<int>& trie, std::string_view filter) {
  values found;
  trie.overlap(filter, found);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

TEST_CASE("filter_trie: a filter has several values and a value several filters", "[topic]") {
  filter_trie<int> trie;
  CHECK(trie.insert("a/+", 1));
  CHECK(trie.insert("a/+", 2));
  CHECK(trie.insert("a/#", 1));
  CHECK_FALSE(trie.insert("a/+", 1));
  CHECK(trie.size() == 3);
  CHECK(matched(trie, "a/b") == values{1, 1, 2});
  CHECK(matched(trie, "a") == values{1});

  CHECK(trie.erase("a/+", 1));
  CHECK_FALSE(trie.erase("a/+", 1));
  CHECK_FALSE(trie.erase("a", 1));
  CHECK_FALSE(trie.erase("x/y/z", 1));
  CHECK(matched(trie, "a/b") == values{1, 2});
  CHECK(trie.size() == 2);
}

TEST_CASE("filter_trie: match appends to what is there", "[topic]") {
  filter_trie<int> trie;
  trie.insert("a", 1);
  values found{7};
  trie.match("a", found);
  CHECK(found == values{7, 1});
}

TEST_CASE("filter_trie: the deepest topics fit the stack", "[topic]") {
  const std::string name(limits::topic_levels_max - 1, '/');
  std::string filter = "+";
  for (std::size_t i = 1; i < limits::topic_levels_max; ++i) filter += "/+";
  filter_trie<int> trie;
  trie.insert(name, 1);
  trie.insert(filter, 2);
  CHECK(matched(trie, filter) == values{2});
  CHECK(overlapped(trie, filter) == values{1, 2});
  CHECK(trie.erase(name, 1));
  CHECK(trie.erase(filter, 2));
  CHECK(trie.empty());
}

TEST_CASE("filter_trie: agrees with a list over random changes and frees what it erased",
          "[topic]") {
  const auto seed = GENERATE(range(1u, 7u));
  CAPTURE(seed);
  naive::generator random(seed);
  filter_trie<int> trie;
  std::set<std::pair<std::string, int>> model;
  const auto select = [&](auto&& wanted) {
    values found;
    for (const auto& [filter, value] : model) {
      if (wanted(filter)) found.push_back(value);
    }
    std::sort(found.begin(), found.end());
    return found;
  };

  for (int round = 0; round < 2000; ++round) {
    const auto& given = random.any(naive::filters());
    const std::string filter(spelled_out(given));  // `#` and `+/#` are one
    const auto value = static_cast<int>(random.below(4));
    CAPTURE(round, filter, value);
    if (random.below(5) < 3) {
      REQUIRE(trie.insert(given, value) == model.emplace(filter, value).second);
    } else {
      REQUIRE(trie.erase(given, value) == (model.erase({filter, value}) == 1));
    }
    REQUIRE(trie.size() == model.size());

    const auto& name = random.any(naive::names());
    CAPTURE(name);
    REQUIRE(matched(trie, name) == select([&](const auto& f) { return naive::matches(f, name); }));

    const auto& other = random.any(naive::filters());
    CAPTURE(other);
    REQUIRE(overlapped(trie, other) ==
            select([&](const auto& f) { return intersect(f, other).has_value(); }));
    REQUIRE(matched(trie, other) == select([&](const auto& f) { return covers(f, other); }));
  }

  while (!model.empty()) {
    const auto [filter, value] = *model.begin();
    REQUIRE_FALSE(trie.empty());
    REQUIRE(trie.erase(filter, value));
    model.erase(model.begin());
  }
  CHECK(trie.empty());
}

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/unit/topic/naive.hpp"
#include "topic/topic.hpp"

// Goal: the algebra of filters is exact. Method: compare it with sets of names that are written
// out, for every pair of small filters and for random lists.

using namespace linkd::topic;
using naive::names_of;

namespace {

bool within(const naive::name_set& narrow, const naive::name_set& wide) {
  return (narrow & ~wide).none();
}

bool overlap(const std::string& a, const std::string& b) {
  return (names_of(a) & names_of(b)).any();
}

naive::name_set union_of(const std::vector<std::string>& filters) {
  naive::name_set all;
  for (const auto& filter : filters) all |= names_of(filter);
  return all;
}

// Joins any two filters that overlap until none do, in no particular order.
std::vector<std::string> naive_disjoint_cover(std::vector<std::string> filters,
                                              naive::generator& random) {
  for (bool again = true; again;) {
    again = false;
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (std::size_t i = 0; i < filters.size(); ++i) {
      for (std::size_t j = i + 1; j < filters.size(); ++j) {
        if (overlap(filters[i], filters[j])) pairs.emplace_back(i, j);
      }
    }
    if (!pairs.empty()) {
      const auto [i, j] = pairs[random.below(pairs.size())];
      filters[i] = join(filters[i], filters[j]).value();
      filters.erase(filters.begin() + static_cast<std::ptrdiff_t>(j));
      again = true;
    }
  }
  return minimal_union(filters);  // sorted and spelled like the answer
}

}  // namespace

TEST_CASE("topic model: every small filter matches what the standard says", "[topic]") {
  for (const auto& filter : naive::filters()) {
    REQUIRE(check_filter(filter).has_value());
    naive::name_set matched;
    for (std::size_t n = 0; n < naive::names_count; ++n) {
      matched[n] = matches(filter, naive::names()[n]);
    }
    CAPTURE(filter);
    REQUIRE(matched == names_of(filter));
  }
}

TEST_CASE("topic model: covers and intersect are exact for every pair", "[topic]") {
  const auto check_pair = [](const std::string& a, const std::string& b) {
    const auto expected = names_of(a) & names_of(b);
    const auto both = intersect(a, b);
    const bool exact =
        both ? check_filter(*both).has_value() && names_of(*both) == expected : expected.none();
    if (!exact) FAIL(a << " and " << b << ": " << both.value_or("none"));
    if (covers(a, b) != within(names_of(b), names_of(a))) FAIL(a << " covers " << b);
  };
  for (const auto& a : naive::filters()) {
    for (const auto& b : naive::filters()) check_pair(a, b);
  }
}

TEST_CASE("topic model: a join is the narrowest filter that covers both", "[topic]") {
  const auto seed = GENERATE(1u, 2u);
  CAPTURE(seed);
  naive::generator random(seed);
  for (int round = 0; round < 300; ++round) {
    const auto& a = random.any(naive::filters());
    const auto& b = random.any(naive::filters());
    const auto both = names_of(a) | names_of(b);
    const auto joined = join(a, b);
    CAPTURE(a, b, joined.value_or("none"));
    if (joined) REQUIRE(within(both, names_of(*joined)));
    // Whatever covers both covers the join; without a join nothing does.
    for (const auto& wide : naive::filters()) {
      if (!within(both, names_of(wide))) continue;
      CAPTURE(wide);
      REQUIRE((joined && within(names_of(*joined), names_of(wide))));
    }
  }
}

TEST_CASE("topic model: every shortened filter covers the whole one", "[topic]") {
  for (const auto& filter : naive::filters()) {
    for (std::size_t limit = 0; limit < 5; ++limit) {
      for (const auto& cut : {shorten(filter, limit, 100), shorten(filter, 9, limit)}) {
        CAPTURE(filter, limit, cut);
        REQUIRE(check_filter(cut).has_value());
        REQUIRE(within(names_of(filter), names_of(cut)));
      }
    }
  }
}

TEST_CASE("topic model: a minimal union matches the same names with no filter to spare",
          "[topic]") {
  const auto seed = GENERATE(range(1u, 5u));
  CAPTURE(seed);
  naive::generator random(seed);
  for (int round = 0; round < 100; ++round) {
    const auto filters = random.some(naive::filters(), 20);
    const auto minimal = minimal_union(filters);
    CAPTURE(filters, minimal);
    REQUIRE(std::is_sorted(minimal.begin(), minimal.end()));
    REQUIRE(union_of(minimal) == union_of(filters));
    for (const auto& one : minimal) {
      for (const auto& other : minimal) {
        REQUIRE((&one == &other || !within(names_of(one), names_of(other))));
      }
    }
    for (const auto& filter : filters) {
      const bool covered = std::any_of(minimal.begin(), minimal.end(),
                                       [&](const auto& wide) { return covers(wide, filter); });
      REQUIRE(covered);
    }
  }
}

TEST_CASE("topic model: a disjoint cover does not depend on the order of joins", "[topic]") {
  const auto seed = GENERATE(range(1u, 5u));
  CAPTURE(seed);
  naive::generator random(seed);
  for (int round = 0; round < 100; ++round) {
    const auto filters = random.some(naive::filters(), 8);
    const auto cover = disjoint_cover(filters);
    CAPTURE(filters, cover);
    REQUIRE(cover == naive_disjoint_cover(filters, random));
  }
}

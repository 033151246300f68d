#include "interest/interest_table.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "mqtt_linkd/limits.hpp"
#include "topic/topic.hpp"

using namespace linkd;
using namespace linkd::interest;

namespace {

using strings = std::vector<std::string>;
using links = std::vector<link_index>;

links wanting(const interest_table& table, std::string_view name) {
  links found;
  table.match(name, found);
  return found;
}

}  // namespace

TEST_CASE("interest_table: a link that wants a topic twice is told once", "[interest]") {
  interest_table table;
  table.set(3, {"+/b", "a/+"});
  table.set(1, {"a/b"});
  table.set(limits::links_max - 1, {"#"});
  CHECK(wanting(table, "a/b") == links{1, 3, limits::links_max - 1});
  CHECK(wanting(table, "$SYS/b").empty());
  CHECK(table.filters(3) == strings{"+/b", "a/+"});
  CHECK(table.filters(0).empty());
}

TEST_CASE("interest_table: match appends to what is there", "[interest]") {
  interest_table table;
  table.set(2, {"a"});
  links found{5, 2};
  table.match("a", found);
  CHECK(found == links{5, 2, 2});
}

TEST_CASE("interest_table: setting a link replaces its part only", "[interest]") {
  interest_table table;
  table.set(0, {"a", "b"});
  table.set(1, {"b"});
  table.set(0, {"b", "c"});
  CHECK(wanting(table, "a").empty());
  CHECK(wanting(table, "b") == links{0, 1});
  CHECK(wanting(table, "c") == links{0});
  table.erase(0);
  CHECK(wanting(table, "b") == links{1});
  CHECK(table.filters(0).empty());
}

TEST_CASE("interest_table: the capture is the minimal union over all links", "[interest]") {
  interest_table table;
  CHECK(table.capture().empty());
  table.set(0, {"a/+", "x"});
  table.set(1, {"a/#"});
  CHECK(table.capture() == strings{"a/#", "x"});
  table.erase(1);
  CHECK(table.capture() == strings{"a/+", "x"});
}

TEST_CASE("effective_filters: what is wanted and allowed, cut to the minimum", "[interest]") {
  CHECK(effective_filters({"a/#", "b"}, {"#"}) == strings{"a/#", "b"});
  CHECK(effective_filters({"#"}, {"a/#", "b/+"}) == strings{"a/#", "b/+"});
  CHECK(effective_filters({"a/+", "a/b"}, {"a/#"}) == strings{"a/+"});
  CHECK(effective_filters({"+/x"}, {"a/#", "b/y"}) == strings{"a/x"});
  CHECK(effective_filters({"$SYS/#"}, {"#"}).empty());
  CHECK(effective_filters({"$SYS/#"}, {"#", "$SYS/broker/+"}) == strings{"$SYS/broker/+"});
  CHECK(effective_filters({"a"}, {}).empty());
  CHECK(effective_filters({}, {"#"}).empty());
}

TEST_CASE("interest_table: agrees with lists of filters over random changes", "[interest]") {
  const auto seed = GENERATE(range(1u, 6u));
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto any = [&](const strings& list) { return list[random() % list.size()]; };
  const strings words{"", "a", "b", "$x"};
  const auto level = [&] { return random() % 3 == 0 ? "+" : any(words); };
  const auto make = [&](auto&& word) {
    std::string text = word();
    for (auto more = random() % 3; more > 0; --more) text += "/" + word();
    return text.empty() ? "a" : text;
  };
  const auto make_filters = [&] {
    strings filters;
    for (auto left = random() % 12; left > 0; --left) {
      filters.push_back(random() % 4 == 0 ? make(level) + "/#" : make(level));
    }
    return filters;
  };
  const auto any_matches = [](const strings& filters, const std::string& name) {
    return std::any_of(filters.begin(), filters.end(),
                       [&](const auto& filter) { return topic::matches(filter, name); });
  };

  struct part {
    strings wanted, allow;
  };
  std::vector<part> model(5);
  interest_table table;
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    const link_index changed = random() % model.size();
    model[changed] = {make_filters(), random() % 3 == 0 ? strings{"#"} : make_filters()};
    const auto effective = effective_filters(model[changed].wanted, model[changed].allow);
    table.set(changed, effective);
    REQUIRE(table.filters(changed) == effective);
    const auto capture = table.capture();
    REQUIRE(capture == topic::minimal_union(capture));

    for (int i = 0; i < 20; ++i) {
      const auto name = make([&] { return any(words); });
      CAPTURE(name);
      links expected;
      for (link_index link = 0; link < model.size(); ++link) {
        const auto& [wanted, allow] = model[link];
        if (any_matches(wanted, name) && any_matches(allow, name)) expected.push_back(link);
      }
      REQUIRE(wanting(table, name) == expected);
      REQUIRE(any_matches(capture, name) == !expected.empty());
    }
  }
}

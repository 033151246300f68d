// Topic filters against the model that is too simple to be wrong.
#include <algorithm>

#include "tests/fuzz/input.hpp"
#include "tests/unit/topic/naive.hpp"
#include "topic/topic.hpp"

using namespace linkd;
namespace naive = topic::naive;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const std::string name(in.text()), one(in.text()), other(in.text());
  if (!topic::check_filter(one)) return 0;
  fuzz::must(topic::covers(one, one), "a filter covers itself");
  const bool two = topic::check_filter(other).has_value();
  const bool named = topic::check_name(name).has_value();
  if (named) fuzz::must(topic::matches(one, name) == naive::matches(one, name), "matches");
  if (!two) return 0;

  const auto both = topic::intersect(one, other);
  const auto joined = topic::join(one, other);
  if (both) {
    fuzz::must(topic::check_filter(*both).has_value(), "an intersection is a filter");
    fuzz::must(topic::covers(one, *both) && topic::covers(other, *both),
               "an intersection is covered by both");
  }
  if (joined) {
    fuzz::must(topic::check_filter(*joined).has_value(), "a join is a filter");
    fuzz::must(topic::covers(*joined, one) && topic::covers(*joined, other), "a join covers both");
  }
  const auto cover = topic::disjoint_cover({one, other});
  fuzz::must(cover.size() < 2 || !topic::intersect(cover[0], cover[1]), "a cover is disjoint");
  if (!named) return 0;

  const bool by_one = naive::matches(one, name), by_other = naive::matches(other, name);
  const bool by_both = both && naive::matches(*both, name);
  fuzz::must(by_both == (by_one && by_other), "an intersection matches what both match");
  if (topic::covers(one, other)) fuzz::must(!by_other || by_one, "covers");
  const auto matched = [&](const std::vector<std::string>& filters) {
    return std::any_of(filters.begin(), filters.end(),
                       [&](const std::string& each) { return naive::matches(each, name); });
  };
  fuzz::must(matched(topic::minimal_union({one, other})) == (by_one || by_other), "union");
  fuzz::must(!(by_one || by_other) || matched(cover), "a cover matches what both match");
  return 0;
}

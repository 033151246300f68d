#include "interest/interest_table.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "mqtt_linkd/limits.hpp"
#include "topic/topic.hpp"

namespace linkd::interest {

interest_table::interest_table() : by_link_(limits::links_max) {}

void interest_table::set(link_index link, const std::vector<std::string>& effective) {
  auto& current = by_link_[link];
  std::vector<std::string> gone, fresh;
  std::set_difference(current.begin(), current.end(), effective.begin(), effective.end(),
                      std::back_inserter(gone));
  std::set_difference(effective.begin(), effective.end(), current.begin(), current.end(),
                      std::back_inserter(fresh));
  for (const auto& filter : gone) trie_.erase(filter, link);
  for (const auto& filter : fresh) trie_.insert(filter, link);
  current = effective;
}

void interest_table::match(std::string_view name, std::vector<link_index>& out) const {
  const auto before = static_cast<std::ptrdiff_t>(out.size());
  trie_.match(name, out);
  std::sort(out.begin() + before, out.end());
  out.erase(std::unique(out.begin() + before, out.end()), out.end());
}

std::vector<std::string> interest_table::capture() const {
  std::vector<std::string> all;
  for (const auto& filters : by_link_) all.insert(all.end(), filters.begin(), filters.end());
  return topic::minimal_union(std::move(all));
}

const std::vector<std::string>& interest_table::filters(link_index link) const {
  return by_link_[link];
}

std::vector<std::string> effective_filters(const std::vector<std::string>& wanted,
                                           const std::vector<std::string>& allow) {
  std::vector<std::string> both;
  for (const auto& filter : wanted) {
    for (const auto& allowed : allow) {
      if (auto part = topic::intersect(filter, allowed)) both.push_back(*std::move(part));
    }
  }
  return topic::minimal_union(std::move(both));
}

}  // namespace linkd::interest

#include "interest/announcement.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace linkd::interest {

std::optional<change> announcement::replace(std::vector<std::string> filters) {
  std::set<std::string> wanted(std::move_iterator(filters.begin()),
                               std::move_iterator(filters.end()));
  change difference;
  std::set_difference(wanted.begin(), wanted.end(), filters_.begin(), filters_.end(),
                      std::back_inserter(difference.added));
  std::set_difference(filters_.begin(), filters_.end(), wanted.begin(), wanted.end(),
                      std::back_inserter(difference.removed));
  if (difference.added.empty() && difference.removed.empty()) return std::nullopt;
  for (const auto& filter : difference.added) hash_ += filter_hash(filter);
  for (const auto& filter : difference.removed) hash_ -= filter_hash(filter);
  filters_ = std::move(wanted);
  difference.version = ++version_;
  return difference;
}

digest announcement::current() const {
  return {version_, filters_.size(), hash_};
}

}  // namespace linkd::interest

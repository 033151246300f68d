#include "interest/announcement.hpp"

namespace linkd::interest {

std::optional<change> announcement::apply(const std::vector<std::string>& added,
                                          const std::vector<std::string>& removed) {
  change difference;
  for (const std::string& filter : removed) {
    if (set_.erase(filter)) difference.removed.push_back(filter);
  }
  for (const std::string& filter : added) {
    if (set_.insert(filter)) difference.added.push_back(filter);
  }
  if (difference.added.empty() && difference.removed.empty()) return std::nullopt;
  difference.version = ++version_;
  return difference;
}

digest announcement::current() const {
  return {version_, set_.filters.size(), set_.hash};
}

}  // namespace linkd::interest

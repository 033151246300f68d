#include "interest/covering_set.hpp"

#include "topic/topic.hpp"

namespace linkd::interest {

void covering_set::insert(const std::string& filter) {
  const auto [at, fresh] = filters_.insert(filter);
  if (!fresh) return;
  if (!is_covered(filter)) {
    for (const std::string* narrow : covered_by(filter)) cover(*narrow);
    uncover(filter);
  }
  trie_.insert(filter, &*at);
}

void covering_set::erase(const std::string& filter) {
  const auto at = filters_.find(filter);
  if (at == filters_.end()) return;
  trie_.erase(filter, &*at);
  const auto own = filters_.extract(at);  // `filter` may be a reference to it
  if (minimal_.count(own.value()) == 0) return;
  cover(own.value());
  for (const std::string* narrow : covered_by(own.value())) {
    // In the trie it is covered by itself; whoever else covers it stays.
    std::vector<const std::string*> covering;
    trie_.match(*narrow, covering);
    if (covering.size() == 1) uncover(*narrow);
  }
}

void covering_set::clear() {
  const filters before = minimal_;
  for (const std::string& filter : before) cover(filter);
  trie_ = {};
  filters_.clear();
}

covering_set::difference covering_set::take_difference() {
  difference out;
  out.added.assign(added_.begin(), added_.end());
  out.removed.assign(removed_.begin(), removed_.end());
  added_.clear();
  removed_.clear();
  return out;
}

void covering_set::cover(const std::string& filter) {
  if (minimal_.erase(filter) == 0) return;
  if (added_.erase(filter) == 0) removed_.insert(filter);
}

void covering_set::uncover(const std::string& filter) {
  if (!minimal_.insert(filter).second) return;
  if (removed_.erase(filter) == 0) added_.insert(filter);
}

bool covering_set::is_covered(const std::string& filter) const {
  std::vector<const std::string*> covering;
  trie_.match(filter, covering);
  return !covering.empty();
}

std::vector<const std::string*> covering_set::covered_by(const std::string& filter) const {
  std::vector<const std::string*> found;
  if (!topic::has_wildcard(filter)) return found;
  trie_.overlap(filter, found);
  std::erase_if(found, [&](const std::string* each) {
    return each == &filter || !topic::covers(filter, *each);
  });
  return found;
}

}  // namespace linkd::interest

#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "topic/filter_trie.hpp"

namespace linkd::interest {

// A set of filters and, kept up to date, its minimal union: those that no other one covers. A
// change costs a look-up; inserting or erasing a filter with wildcards also a walk over what it
// overlaps. Filters as topic::intersect() answers them: of two spellings the shorter.
class covering_set {
 public:
  covering_set() = default;
  covering_set(const covering_set&) = delete;  // the trie points into filters_
  covering_set& operator=(const covering_set&) = delete;

  // No effect if it is there.
  void insert(const std::string& filter);
  // No effect if it is not there.
  void erase(const std::string& filter);
  void clear();

  using filters = std::unordered_set<std::string>;
  [[nodiscard]] const filters& all() const { return filters_; }
  [[nodiscard]] const filters& minimal() const { return minimal_; }

  // How minimal() has changed since the last call.
  struct difference {
    std::vector<std::string> added, removed;
  };
  difference take_difference();
  [[nodiscard]] bool changed() const { return !added_.empty() || !removed_.empty(); }

 private:
  void cover(const std::string& filter);    // it leaves the union
  void uncover(const std::string& filter);  // it enters the union
  [[nodiscard]] bool is_covered(const std::string& filter) const;
  // Those of the set that `filter` covers, itself left out.
  [[nodiscard]] std::vector<const std::string*> covered_by(const std::string& filter) const;

  filters filters_, minimal_;
  filters added_, removed_;  // of minimal_
  topic::filter_trie<const std::string*> trie_;
};

}  // namespace linkd::interest

#pragma once

#include <string_view>
#include <vector>

namespace linkd::topic {

// Filters with values, matched against a name without looking at filters that cannot match. A value
// may stand under many filters and a filter may have many values. Recursion is bounded by
// topic_levels_max. A match over 100,000 filters costs under 2 µs (tests/bench). No thread.
template <class Value>
class filter_trie {
 public:
  // False if this very pair is there already.
  bool insert(std::string_view filter, Value value);
  // False if it was not there.
  bool erase(std::string_view filter, const Value& value);
  // Appends the values of all filters that match; a value under several of them appears several
  // times.
  void match(std::string_view name, std::vector<Value>& out) const;
  [[nodiscard]] std::size_t size() const;  // pairs
};

}  // namespace linkd::topic

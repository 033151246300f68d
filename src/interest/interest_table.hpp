#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "topic/filter_trie.hpp"

namespace linkd::interest {

// Small dense number of a link while it is configured; < limits::links_max.
using link_index = std::size_t;

// Which links want a topic: for each link the filters its peer asks for, cut down to what `allow`
// permits. No thread.
class interest_table {
 public:
  interest_table();
  // Replaces one link's part; `effective` is what effective_filters() answered.
  void set(link_index link, const std::vector<std::string>& effective);
  void erase(link_index link) { set(link, {}); }
  // Appends each link that wants `name` once, in ascending order.
  void match(std::string_view name, std::vector<link_index>& out) const;
  // What we must subscribe to: the minimal union over all links.
  [[nodiscard]] std::vector<std::string> capture() const;
  [[nodiscard]] const std::vector<std::string>& filters(link_index link) const;

 private:
  topic::filter_trie<link_index> trie_;
  std::vector<std::vector<std::string>> by_link_;  // one for each link_index there can be
};

// wanted ∩ allow as a minimal union.
std::vector<std::string> effective_filters(const std::vector<std::string>& wanted,
                                           const std::vector<std::string>& allow);

}  // namespace linkd::interest

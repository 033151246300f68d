#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "interest/peer_view.hpp"

namespace linkd::interest {

struct change {
  std::uint64_t version = 0;  // after the change
  std::vector<std::string> added, removed;
};

// What we ask of one peer: the other end of its peer_view. Owned by the link; outlives its
// sessions.
class announcement {
 public:
  // Replaces the set; the difference for a session that is established, none if nothing changed.
  std::optional<change> replace(std::vector<std::string> filters);
  [[nodiscard]] const std::set<std::string>& filters() const { return filters_; }
  [[nodiscard]] digest current() const;

 private:
  std::set<std::string> filters_;
  std::uint64_t hash_ = 0;
  std::uint64_t version_ = 1;
};

}  // namespace linkd::interest

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
  // The difference for a session that is established, none if nothing changed. Adding what is there
  // or removing what is not changes nothing.
  std::optional<change> apply(const std::vector<std::string>& added,
                              const std::vector<std::string>& removed);
  [[nodiscard]] const std::set<std::string>& filters() const { return set_.filters; }
  [[nodiscard]] digest current() const;

 private:
  hashed_filters set_;
  std::uint64_t version_ = 1;
};

}  // namespace linkd::interest

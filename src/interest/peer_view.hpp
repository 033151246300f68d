#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mqtt_linkd/result.hpp"

namespace linkd::interest {

// A set of filters in three numbers, compared at every heartbeat. `hash` is the sum modulo 2^64 of
// the 64-bit FNV-1a hash of each filter, so it does not depend on an order.
struct digest {
  std::uint64_t version = 0;  // the sender's count of changes within one incarnation
  std::uint64_t count = 0;
  std::uint64_t hash = 0;
  bool operator==(const digest&) const = default;
};

std::uint64_t filter_hash(std::string_view filter);

// What one peer asks of us. A snapshot arrives in brackets (begin, items..., end): the old view
// stays in force until the bracket closes and its digest agrees; then come deltas. Every error
// leaves the view in force as it was and means: end the session. Owned by the link; outlives its
// sessions; no thread.
class peer_view {
 public:
  // From disk, at start: in force until the peer's first snapshot.
  void restore(std::vector<std::string> filters);

  void begin(std::uint64_t version);
  // errc::invalid outside a bracket or for a bad filter, errc::too_large over filters_per_peer_max
  // or filter_bytes_per_peer_max.
  result<void> items(const std::vector<std::string>& filters);
  // True if the view in force changed; errc::corrupt if count or hash disagree.
  result<bool> end(std::uint64_t count, std::uint64_t hash);
  // `version` must be the last one plus one. Removing what is not there and adding what is: no
  // error.
  result<bool> delta(std::uint64_t version, const std::vector<std::string>& added,
                     const std::vector<std::string>& removed);
  // Forgets an unfinished bracket (the session ended).
  void abandon();
  // Nothing is wanted any more (interest expired); true if something was.
  bool clear();

  [[nodiscard]] const std::set<std::string>& filters() const { return filters_; }
  [[nodiscard]] digest current() const;

 private:
  std::set<std::string> filters_;
  std::size_t filter_bytes_ = 0;
  std::uint64_t hash_ = 0;
  std::uint64_t version_ = 0;
  struct bracket {
    std::uint64_t version = 0;
    std::set<std::string> filters;
    std::size_t filter_bytes = 0;
    std::uint64_t hash = 0;
  };
  std::optional<bracket> pending_;
};

}  // namespace linkd::interest

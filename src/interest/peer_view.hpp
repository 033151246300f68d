#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mqtt_linkd/result.hpp"

namespace linkd::interest {

// A set of filters in three numbers, compared at every heartbeat. `hash` is the sum modulo 2^64 of
// the filter_hash() of each filter, so it does not depend on an order.
struct digest {
  std::uint64_t version = 0;  // the sender's count of changes within one incarnation
  std::uint64_t count = 0;
  std::uint64_t hash = 0;
  bool operator==(const digest&) const = default;
};

// 64-bit FNV-1a of the filter's bytes, then the 64-bit finalizer of MurmurHash3. Part of the
// protocol.
std::uint64_t filter_hash(std::string_view filter);

// Filters with what their digest needs, kept up to date.
struct hashed_filters {
  std::set<std::string> filters;
  std::size_t filter_bytes = 0;  // of all together
  std::uint64_t hash = 0;
  // False if it is there already.
  bool insert(const std::string& filter);
  // False if it is not there.
  bool erase(const std::string& filter);
};

// What one peer asks of us. Owned by the link; outlives its sessions; no thread.
class peer_view {
 public:
  // From disk, at start: in force until the peer's first snapshot. Leaves out what is no filter.
  void restore(const std::vector<std::string>& filters);
  // True if the filters changed.
  bool replace(std::uint64_t version, hashed_filters with);
  // `version` must be the last one plus one: errc::invalid otherwise, and for a bad filter;
  // errc::too_large over filters_per_peer_max or filter_bytes_per_peer_max; the view then stays as
  // it was. Removing what is not there and adding what is: no error. What is in both lists is
  // removed and added again. True if anything was done.
  result<bool> delta(std::uint64_t version, const std::vector<std::string>& added,
                     const std::vector<std::string>& removed);
  // Nothing is wanted any more (interest expired); true if something was.
  bool clear();

  [[nodiscard]] const std::set<std::string>& filters() const { return in_force_.filters; }
  [[nodiscard]] digest current() const;

 private:
  hashed_filters in_force_;
  std::uint64_t version_ = 0;
};

// What one session tells of the peer's view. A snapshot arrives in brackets (begin, items..., end):
// the old view stays in force until the bracket closes and its digest agrees; then come deltas.
// Every error leaves the view in force as it was and means: end the session. An open bracket is the
// session's own: another connection of the link comes and goes without harm to it.
class view_updates {
 public:
  // `view` outlives this.
  explicit view_updates(peer_view& view) : view_(view) {}

  // A bracket that is open already is forgotten.
  void begin(std::uint64_t version);
  // errc::invalid outside a bracket or for a bad filter, errc::too_large over filters_per_peer_max
  // or filter_bytes_per_peer_max; the bracket is then forgotten.
  result<void> items(const std::vector<std::string>& filters);
  // True if the view in force changed; errc::corrupt if count or hash disagree.
  result<bool> end(std::uint64_t count, std::uint64_t hash);
  // errc::invalid inside a bracket, else as the view says.
  result<bool> delta(std::uint64_t version, const std::vector<std::string>& added,
                     const std::vector<std::string>& removed);
  // What is in force.
  [[nodiscard]] digest current() const { return view_.current(); }

 private:
  peer_view& view_;
  std::optional<hashed_filters> pending_;  // an open bracket
  std::uint64_t pending_version_ = 0;
};

}  // namespace linkd::interest

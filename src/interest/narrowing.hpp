#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "interest/covering_set.hpp"
#include "mqtt_linkd/limits.hpp"
#include "mqtt_linkd/time.hpp"

namespace linkd::interest {

// What clients of the local broker are subscribed to, the same for all links.
struct local_view {
  bool complete = false;  // otherwise everything may be subscribed to
  std::unordered_set<std::string> filters;
  microseconds linger{0};  // a filter is asked for so much longer than it is there
};

// What we ask of one peer: `topics`, narrowed to what local clients are subscribed to while that is
// known. Each local filter is intersected with each of `topics` and the results are counted: one
// is wanted from the first on until the linger time after the last. To be announced is the
// minimal union of what is wanted.
//
// If that is more than `filters_max`, all local filters are cut to a number of levels (with `/#`
// behind) that makes it at most half as many, in the end to none: `topics` as they are. Reviewed
// now and then, for when there are fewer again. Over-asking is safe. If only what lingers makes
// them too many, the oldest of that goes before its time.
//
// Owned by the link. No thread.
class narrowing {
 public:
  // `local` outlives this and is changed by its owner before the matching call here.
  narrowing(std::vector<std::string> topics, const local_view& local,
            std::size_t filters_max = limits::announced_filters_max);

  void configure(std::vector<std::string> topics);
  // The view became complete, was replaced, or is known no more: nothing lingers.
  void restart();
  // One filter entered or left the complete view.
  void add(const std::string& filter);
  void remove(const std::string& filter, time_point now);

  // Withdraws what has lingered, and summarises or details what is to be announced.
  void on_time(time_point now);
  [[nodiscard]] std::optional<time_point> deadline() const;

  [[nodiscard]] const covering_set::filters& announced() const { return cover_.minimal(); }
  [[nodiscard]] bool changed() const { return cover_.changed(); }
  covering_set::difference take_difference() { return cover_.take_difference(); }

  // Different intersections wanted now, lingering ones included.
  [[nodiscard]] std::size_t wanted() const { return wanted_.size(); }
  // The number of levels filters are cut to, if they are.
  [[nodiscard]] std::optional<std::size_t> summary_levels() const { return levels_; }

 private:
  struct want {
    std::size_t count = 0;   // local filters it is the intersection of
    time_point leaves_at{};  // if there is none
  };
  using wants = std::unordered_map<std::string, want>;

  [[nodiscard]] std::vector<std::string> parts(const std::string& filter,
                                               std::optional<std::size_t> levels) const;
  void count(const std::string& part);
  void leave(wants::iterator which, time_point at);
  void withdraw_first();
  void count_all();
  [[nodiscard]] bool fits(std::optional<std::size_t> levels) const;
  [[nodiscard]] std::optional<std::size_t> best_levels() const;
  void set_levels(std::optional<std::size_t> levels, time_point now);
  void review(time_point now);
  void withdraw_oldest();

  std::vector<std::string> topics_;
  const local_view& local_;
  std::size_t filters_max_;
  std::optional<std::size_t> levels_;
  time_point next_review_{};
  wants wanted_;
  std::set<std::pair<time_point, const std::string*>> leaving_;  // keys of wanted_
  covering_set cover_;                                           // of the keys of wanted_
};

}  // namespace linkd::interest

#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "link/status.hpp"
#include "mqtt_linkd/time.hpp"

namespace linkd::admin {

// What a link did in one interval; rates are per second.
struct history_point {
  stamp time;           // its end
  double captured = 0;  // by all links
  double queued = 0;
  double messages_out = 0, messages_in = 0;
  double bytes_out = 0, bytes_in = 0;
  double dropped = 0;
  std::uint64_t queue_messages = 0, queue_bytes = 0;  // at its end
  std::optional<double> latency_s;                    // mean of what was acknowledged in it
};

// The last five minutes of every link, for graphs that are full when a page opens. Bounded by the
// number of links.
class history {
 public:
  static constexpr seconds interval{5};
  static constexpr std::size_t points_max = 60;

  // To be called about every interval; what comes much earlier is not taken.
  void sample(const link::deployment_status& status, time_point now, stamp unix_now);
  // Oldest first; none of a link that is not known (yet).
  [[nodiscard]] const std::deque<history_point>& of(const std::string& link) const;

 private:
  struct track {
    link::link_counters before;
    std::deque<history_point> points;
  };

  std::map<std::string, track> tracks_;
  std::uint64_t captured_before_ = 0;
  std::optional<time_point> sampled_at_;
};

}  // namespace linkd::admin

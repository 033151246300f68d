#include "admin/history.hpp"

#include <algorithm>
#include <numeric>

namespace linkd::admin {
namespace {

constexpr milliseconds early_max{500};

// A counter that is lower than before belongs to a link that was removed and added again.
double rate(std::uint64_t before, std::uint64_t after, double interval_s) {
  return static_cast<double>(after >= before ? after - before : after) / interval_s;
}

std::uint64_t all_dropped(const link::link_counters& counters) {
  return std::accumulate(std::begin(counters.dropped), std::end(counters.dropped),
                         std::uint64_t{0});
}

std::optional<double> mean_between(const histogram& before, const histogram& after) {
  if (after.count() <= before.count()) return std::nullopt;
  return std::max(0.0, after.sum_s() - before.sum_s()) /
         static_cast<double>(after.count() - before.count());
}

history_point point_of(const link::link_counters& before, const link::link_status& link,
                       double interval_s) {
  const link::link_counters& after = link.counters;
  const auto per_second = [&](std::uint64_t link::link_counters::*counter) {
    return rate(before.*counter, after.*counter, interval_s);
  };
  history_point out;
  out.queued = per_second(&link::link_counters::messages_queued);
  out.messages_out = per_second(&link::link_counters::messages_acked);
  out.messages_in = per_second(&link::link_counters::messages_published);
  out.bytes_out = per_second(&link::link_counters::payload_bytes_out);
  out.bytes_in = per_second(&link::link_counters::payload_bytes_in);
  out.dropped = rate(all_dropped(before), all_dropped(after), interval_s);
  out.queue_messages = link.queue_messages;
  out.queue_bytes = link.queue_bytes;
  out.latency_s = mean_between(before.delivery_latency, after.delivery_latency);
  return out;
}

}  // namespace

void history::sample(const link::deployment_status& status, time_point now, stamp unix_now) {
  if (sampled_at_ && now - *sampled_at_ < interval - early_max) return;
  const double interval_s =
      sampled_at_ ? std::chrono::duration<double>(now - *sampled_at_).count() : 0;
  std::map<std::string, track> tracks;
  for (const link::link_status& link : status.links) {
    track& to = tracks[link.name];
    if (const auto known = tracks_.find(link.name); known != tracks_.end()) {
      to.points = std::move(known->second.points);
      history_point point = point_of(known->second.before, link, interval_s);
      point.time = unix_now;
      point.captured = rate(captured_before_, status.messages_captured, interval_s);
      to.points.push_back(point);
      if (to.points.size() > points_max) to.points.pop_front();
    }
    to.before = link.counters;
  }
  tracks_ = std::move(tracks);
  captured_before_ = status.messages_captured;
  sampled_at_ = now;
}

const std::deque<history_point>& history::of(const std::string& link) const {
  static const std::deque<history_point> none;
  const auto known = tracks_.find(link);
  return known == tracks_.end() ? none : known->second.points;
}

}  // namespace linkd::admin

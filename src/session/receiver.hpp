#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/time.hpp"
#include "session/effects.hpp"

namespace linkd::session {

// The peer's queue on its way to us: puts DATA in order, joins fragments, notices what is missing
// and holds the peer to its credit (wire/PROTOCOL.md, "Flow"). Part of a link_session.
class receiver {
 public:
  // From the peer's hello. Takes what came before it.
  result<void> start(const local_side& local, const wire::hello& peer, time_point now,
                     std::vector<effect>& out);
  // Before start(): kept. errc::corrupt, errc::too_large: the peer broke the rules; what was
  // delivered until then counts.
  result<void> on_data(wire::data data, time_point now, std::vector<effect>& out);
  // The peer has sent everything below `offset`.
  void on_sent_offset(std::uint64_t offset, time_point now);
  // True if it is news.
  bool on_delivered(std::uint64_t offset);
  // True if the peer must be asked to send again from position().
  bool on_time(time_point now);

  [[nodiscard]] std::optional<time_point> deadline() const;
  [[nodiscard]] std::uint64_t position() const { return position_; }
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }

 private:
  struct in_hand {
    std::uint64_t offset = 0;
    std::size_t bytes = 0;
  };

  [[nodiscard]] bool is_stale(const wire::data& data) const;
  [[nodiscard]] bool is_next(const wire::data& data) const;
  void hold(wire::data data);
  // Applies `next`, if any, and what of early_ can follow.
  result<void> advance(std::optional<wire::data> next, time_point now, std::vector<effect>& out);
  result<void> apply(wire::data data, std::vector<effect>& out);
  result<void> apply_block(const wire::data& data, bytes block, std::vector<effect>& out);
  result<void> apply_fragment(const wire::data& data, bytes_view block, std::vector<effect>& out);
  [[nodiscard]] result<void> check_credit(std::size_t bytes) const;
  void take(deliver what, std::vector<effect>& out);
  void watch(bool progress, time_point now);

  bool started_ = false;
  std::uint64_t message_bytes_max_ = 0;
  milliseconds retry_interval_{0};
  std::uint64_t position_ = 0;   // the next offset we want
  std::uint64_t delivered_ = 0;  // <= position_
  std::uint64_t sent_ = 0;       // the peer sent something of, or said so, everything below
  std::optional<time_point> behind_since_;  // position_ < sent_ without progress
  // DATA that came too early, by begin and place in its record.
  std::map<std::pair<std::uint64_t, std::uint64_t>, wire::data> early_;
  std::size_t early_bytes_ = 0;
  bytes assembly_;  // fragments of the record at position_
  std::uint64_t assembly_total_bytes_ = 0;
  std::deque<in_hand> in_hand_;  // taken in this session, not delivered
  std::size_t in_hand_bytes_ = 0;
};

}  // namespace linkd::session

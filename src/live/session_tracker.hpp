#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "live/log_line.hpp"
#include "mqtt_linkd/bytes.hpp"

namespace linkd::live {

// Which subscriptions a mosquitto holds, from what it logs (live/MOSQUITTO.md). Pure.
//
// The log tells of changes, never of what was there before, and leaves open whether a session
// outlives its connection. So every subscription is certain or doubtful, and the broker's own count
// decides: what is certain is a part of what the broker has; hence a count that equals the number
// of certain ones proves that there are no others, and the doubtful ones are gone. From then on the
// view is complete: between certain and all. A later count says which of the doubtful are left, and
// a count outside of that range that lines were lost.
class session_tracker {
 public:
  // The two counts: `$SYS/broker/subscriptions/count` and `.../shared_subscriptions/count`.
  enum kind { plain, shared };

  // `trust_count`: after a gap what was known before becomes doubtful, and a count equal to all of
  // it is believed. Otherwise it is forgotten.
  session_tracker(std::string our_client_id, std::string control_prefix, bool trust_count);

  void apply(const log_line& line);
  // The broker's count, in its place among the lines.
  void on_count(kind which, std::uint64_t value);
  // The broker's count as it was before the view began (a retained message).
  void on_old_count(kind which, std::uint64_t value);
  // The broker is about to tell the counts that have changed.
  void on_tick();
  // A new connection: the counts are told anew.
  void on_connection();
  // Lines may have been missed; `why` is for people.
  void on_gap(const std::string& why);

  [[nodiscard]] bool complete() const { return proven_[plain] && proven_[shared]; }
  // Why not, and what to do. One line.
  [[nodiscard]] const std::string& reason() const { return reason_; }

  // The filters of other clients, as local_filter() has them, that came and went since the last
  // call.
  struct difference {
    std::vector<std::string> added, removed;
  };
  difference take_difference();
  [[nodiscard]] std::vector<std::string> filters() const;
  [[nodiscard]] std::size_t subscriptions() const {
    return all_[plain].tracked + all_[shared].tracked;
  }

  // Those of the complete view that may have ended.
  [[nodiscard]] std::size_t doubtful() const {
    return all_[plain].fresh + all_[plain].old + all_[shared].fresh + all_[shared].old;
  }

  // Everything, as text that restore() takes; false: unreadable, nothing is known.
  [[nodiscard]] bytes save() const;
  bool restore(bytes_view saved);

 private:
  // `fresh`: since the last count.
  enum class doubt : std::uint8_t { none, fresh, old };
  enum class lifetime { unknown, connection, longer };  // of the session, as far as the log tells
  struct session {
    bool connected = false;
    lifetime lasts = lifetime::unknown;
    std::map<std::string, doubt, std::less<>> filters;  // as subscribed
  };
  using sessions = std::unordered_map<std::string, session>;
  struct tally {
    std::size_t tracked = 0, fresh = 0, old = 0;
    std::size_t old_min = 0, old_max = 0;  // of the old ones, how many are there
    [[nodiscard]] std::size_t certain() const { return tracked - fresh - old; }
  };

  void on_line(std::monostate) {}
  void on_line(const subscribed_line& line);
  void on_line(const unsubscribed_line& line);
  void on_line(const connected_line& line);
  void on_line(const ended_line& line);
  void on_line(const expired_line& line);
  void on_line(const dropping_line& line);
  void connect(const connected_line::reading& as);
  void end(sessions::iterator which, bool surely_ended);

  sessions::iterator find_or_add(const std::string& client);
  void add(sessions::iterator to, const std::string& filter, bool doubtful);
  void set_doubt(sessions::iterator of, doubt& entry, const std::string& filter, doubt to);
  void doubt_all(sessions::iterator of);
  void erase(sessions::iterator of, const std::string& filter);
  void erase_all(sessions::iterator of);
  void drop(sessions::iterator which);
  // What becomes of a kind's doubtful subscriptions.
  enum class verdict { gone, there, open };
  void settle(kind which, verdict fresh, verdict old);
  void forget_all();
  void evaluate(kind which, std::uint64_t value);
  void set_unproven(std::string reason);
  void count_filter(const std::string& client, const std::string& filter, int by);

  const std::string our_client_id_, control_prefix_;
  const bool trust_count_;
  sessions sessions_;
  std::set<std::string> doubtful_;  // clients with a doubtful subscription
  std::size_t bytes_ = 0;           // of ids and filters
  std::array<tally, 2> all_{};
  std::array<std::uint64_t, 2> revision_{};  // of all_
  std::array<std::optional<std::uint64_t>, 2> revision_at_tick_{};
  std::array<std::optional<std::uint64_t>, 2> last_count_{};
  std::array<bool, 2> counted_{};  // since the last tick
  std::array<bool, 2> proven_{};   // there are no others
  std::string reason_;

  std::unordered_map<std::string, std::size_t> counts_;  // of other clients, by local_filter()
  // Filters whose count has crossed zero, and whether they were there at the last
  // take_difference().
  std::unordered_map<std::string, bool> touched_;
};

}  // namespace linkd::live

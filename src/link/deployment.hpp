#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "link/explain.hpp"
#include "link/link.hpp"
#include "link/reach_test.hpp"
#include "link/strangers.hpp"

namespace linkd::link {

// Counts a start of the daemon in `<state_dir>/incarnation`; the count is on disk before it is
// answered. Blocking. An error means that the state directory cannot be used.
result<std::uint64_t> next_incarnation(storage& disk);

// The filters of one link.
struct link_interest {
  std::vector<std::string> wanted;     // what the peer asks of us
  std::vector<std::string> effective;  // what is left of it by `allow`
  std::vector<std::string> announced;  // what we ask of the peer
};

// The running core of one daemon: its links, the capture at the local broker, and the delivery into
// it. Everything happens on one thread, in events from the ports; after each event the links send
// what they can, the capture follows the interest, and the alarm is set to the next deadline.
//
//   on_captured -> interest_table -> outbox of each link -> commit -> PUBACK
//   session -> inbox -> delivery -> on_published -> cursor -> ACK
//   subscription_source -> local_view -> narrowing of each link -> session
class deployment : private broker_events,
                   private link_events,
                   private subscription_events,
                   public acceptor_events {
 public:
  // `wake` must call on_wake(). Everything in `env` outlives the deployment. `incarnation`: see
  // next_incarnation().
  deployment(const environment& env, alarm& wake, const daemon_settings& settings,
             std::uint64_t incarnation);
  ~deployment() override;

  // Recovers every link's state (blocking) and connects. A link whose state cannot be used is down
  // with that reason, and tried again from time to time; for a while the local broker waits for it,
  // as what we took over meanwhile would be lost to that link.
  void start(const std::vector<link_settings>& links);
  // Compares with the running links by name: adds, removes (their files stay), changes.
  void apply(const std::vector<link_settings>& links);
  // Ends the sessions, waits for what is in flight at the local broker (bounded), saves the
  // cursors, disconnects; then calls `stopped`.
  void stop(std::function<void()> stopped);

  void on_wake();
  void on_inbound(const std::string& peer, std::unique_ptr<path> inbound) override;
  void on_unreachable(const std::string& peer, const error& why) override;

  [[nodiscard]] deployment_status status() const;
  // Captured and published so far, whatever became of them.
  [[nodiscard]] std::uint64_t messages_handled() const { return messages_handled_; }

  // For a person at the admin port. errc::not_found: there is no link of that name.
  result<void> pause(const std::string& name);
  result<void> resume(const std::string& name);
  // The number of messages that were dropped.
  result<std::uint64_t> purge(const std::string& name);
  // errc::unavailable: a test of the link is running. `done` may be called before this returns.
  result<void> test(const std::string& name, std::function<void(reach_report)> done);
  [[nodiscard]] result<link_interest> interest(const std::string& name) const;
  // errc::invalid: that is no topic.
  [[nodiscard]] result<explanation> explain(const std::string& topic) const;

 private:
  struct member {
    std::unique_ptr<link> the;
    interest::link_index index;  // in the interest table
  };

  void on_broker_up(const broker_session& session) override;
  void on_broker_down(const error& reason, bool by_peer) override;
  void on_captured(std::vector<message> batch) override;
  void on_published(const std::vector<publish_outcome>& outcomes) override;
  void on_capture_refused(const std::string& filter, std::uint8_t reason_code) override;

  // A link without its state.
  struct unusable_link {
    link_settings settings;
    std::string reason;
    stamp since;
  };

  void on_subscriptions(std::vector<std::string> filters) override;
  void on_subscriptions_changed(const std::vector<std::string>& added,
                                const std::vector<std::string>& removed) override;
  void on_subscriptions_note(const std::string& note) override;
  void on_subscriptions_unknown(const std::string& reason) override;

  void on_interest_changed() override { capturing_.ask(); }
  void on_link_event() override { settle(); }

  link* find(const std::string& name);
  void add(const link_settings& settings);
  void set_aside(const link_settings& settings, const std::string& reason);
  void retry_unusable(time_point now);
  void remove(const std::string& name);
  [[nodiscard]] interest::link_index free_index() const;

  // The state directory is: what we knew of our peers may have been lost with an older one.
  [[nodiscard]] bool state_is_new() const;
  // The link for which a batch has to wait, if any.
  [[nodiscard]] const link* link_without_interest(const std::vector<message>& batch) const;
  void stop_capture(const std::string& reason);
  void capture(const message& what, stamp now);
  void commit_batch();
  void on_batch_part(std::uint64_t batch, const result<void>& stored);
  void watch_disk(time_point now);
  void refresh_capture(time_point now);
  void set_local_view(bool complete, const std::string& reason);
  void tell_tests();
  // After every event.
  void settle();
  void settle_stop(time_point now);
  void set_alarm(std::optional<time_point> next);
  [[nodiscard]] std::optional<time_point> deadline() const;
  void set_broker_state(bool up, const std::string& reason);
  [[nodiscard]] std::string broker_reason() const;  // with what it refuses

  environment env_;
  alarm& wake_;
  identity us_;
  delivery delivery_;
  strangers strangers_;
  interest::interest_table interest_;
  interest::local_view local_;
  std::map<std::string, member> links_;
  std::map<std::string, unusable_link> unusable_;
  time_point next_retry_{};     // of those
  bool capture_waits_ = false;  // for those
  time_point started_at_{};
  std::vector<link*> by_index_;  // null: free
  interest_source interest_source_;
  std::string interest_reason_;
  pace capturing_;
  std::vector<std::string> captured_filters_;
  std::set<std::string> capture_refused_;                     // by the broker, in this connection
  std::map<std::string, std::unique_ptr<reach_test>> tests_;  // by link

  std::uint64_t messages_handled_ = 0;
  // The captured batch that waits for the disk.
  std::uint64_t batch_ = 0;
  std::size_t batch_parts_ = 0;  // outboxes still at work; 0: none waits
  bool batch_failed_ = false;
  std::string batch_failure_;
  time_point batch_began_{};
  std::vector<link*> batch_links_;
  std::vector<interest::link_index> wanted_by_;  // the message in hand
  std::size_t batch_messages_ = 0;
  bool disk_late_ = false;  // the batch waits longer than limits::commit_patience

  backoff disk_delay_;
  std::optional<time_point> next_broker_start_;  // after a commit that failed

  bool broker_up_ = false;
  std::string broker_reason_ = "connecting";
  stamp broker_since_;
  std::uint64_t broker_sessions_lost_ = 0;
  std::uint64_t messages_captured_ = 0;
  histogram commit_time_;

  std::function<void()> stopped_;
  std::optional<time_point> stop_deadline_;
  bool settling_ = false;
  std::optional<time_point> alarm_at_;  // what `wake_` is set to
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace linkd::link

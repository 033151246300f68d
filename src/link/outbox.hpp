#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "link/environment.hpp"
#include "link/link_store.hpp"
#include "link/status.hpp"
#include "mqtt_linkd/settings.hpp"
#include "session/session.hpp"

namespace linkd::link {

// The sending half of a link: what was captured for the peer goes into the queue, out of it into
// the session as far as credit and path allow, and is released when the peer acknowledges it.
class outbox {
 public:
  outbox(const environment& env, const link_settings& settings, std::shared_ptr<link_store> store,
         link_counters& counters);

  void configure(const link_settings& settings);

  // Stages a captured record. `link_up`: with qos0: live a QoS 0 message is dropped while it is
  // false.
  void append(bytes_view record, std::uint8_t qos, bool retain, stamp captured_at, bool link_up);
  // `done` is told when everything staged so far is stored, or that it is not.
  void commit(link_store::outcome done);

  // A session with this peer begins; it has everything below `position`.
  void use_session(const wire::hello& peer, std::uint64_t position);
  // Sends what may be sent now.
  void pump(session::link_session& session, const path& way, time_point now);
  // The peer has everything below `offset`. errc::invalid if it cannot have that.
  result<void> on_acked(std::uint64_t offset);
  // When on_time() has something to do: what was acknowledged has to be on the disk.
  [[nodiscard]] std::optional<time_point> deadline() const { return save_due_; }
  void on_time(time_point now);
  // Drops what is queued and on disk; the number of messages.
  std::uint64_t purge();
  // Age limit, overflow and damage accounts, due disk work. Called about every heartbeat_interval.
  void maintain();

  [[nodiscard]] queue::link_queue& messages() { return store_->messages(); }
  [[nodiscard]] const queue::link_queue& messages() const { return store_->messages(); }
  // No disk work is under way.
  [[nodiscard]] bool idle() const { return !working_; }

 private:
  void work();
  // A record that was read to be sent, or why it cannot be.
  struct examined {
    std::uint64_t offset;
    stamp captured_at;
    std::uint64_t payload_bytes;
    std::optional<drop_reason> unsendable;
  };
  // Something that goes on for a while: logged at its start and its end.
  struct episode {
    bool on = false;
    std::uint64_t dropped_at_start = 0;
  };
  [[nodiscard]] std::uint64_t sendable_end() const;
  [[nodiscard]] examined examine(const queue::queued_record& queued, stamp now);
  // Shortens the batch so that what one crash cannot tell apart, the next one does.
  void isolate_suspects(queue::read_batch& batch) const;
  // As a dead letter, once: see crash_guard.
  void park(const queue::queued_record& poison, stamp now);
  // What the peer has acknowledged and we have stored is gone.
  void release_acked();
  // What was not stored comes again, from the local broker.
  void forget_lost();
  void send(session::link_session& session, std::uint64_t begin, const queue::read_batch& batch,
            time_point now);
  void account_sent(const examined& what);
  void account_acked(const examined& what, stamp now);
  void account_removed();
  void begin_episode(episode& which, drop_reason reason, std::uint64_t count, const char* event,
                     const char* text);
  void end_episode(episode& which, drop_reason reason, const char* event, const std::string& text);
  std::uint64_t& dropped(drop_reason reason) {
    return counters_.dropped[static_cast<std::size_t>(reason)];
  }
  void report(const std::vector<queue::damage>& found);

  environment env_;
  link_settings settings_;
  std::shared_ptr<link_store> store_;
  link_counters& counters_;

  bool working_ = false;
  std::vector<link_store::outcome> waiting_;  // for the next commit
  std::optional<time_point> save_due_;        // of acknowledgements
  episode overflowing_, aging_;
  bool aged_ = false;  // something, since the last maintain()

  std::uint64_t acked_end_ = 0;     // the peer has acknowledged everything below
  std::deque<examined> unacked_;    // handed to the session or passed over, not acknowledged
  std::uint64_t parked_below_ = 0;  // what is poison below this has its dead letter
  std::uint64_t had_before_ = 0;    // the peer had everything below when this session began
  std::uint64_t message_bytes_max_ = 0;
  std::optional<time_point> waiting_since_;  // something is readable and not sent
  bool unreadable_ = false;                  // the disk does not give what the queue holds: logged
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace linkd::link

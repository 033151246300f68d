#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/backoff.hpp"
#include "base/pace.hpp"
#include "base/takeover_watch.hpp"
#include "interest/announcement.hpp"
#include "interest/interest_table.hpp"
#include "interest/narrowing.hpp"
#include "interest/peer_view.hpp"
#include "link/channel.hpp"
#include "link/delivery.hpp"
#include "link/environment.hpp"
#include "link/inbox.hpp"
#include "link/outbox.hpp"
#include "link/status.hpp"

namespace linkd::link {

// Who we are, the same for all links of a daemon.
struct identity {
  std::string deployment;
  std::string control_prefix;
  std::uint64_t incarnation = 0;
  std::size_t message_bytes_max = 0;
};

// How long after one update of interest the next may follow: what it costs grows with the number of
// filters.
inline microseconds interest_pause(std::size_t filters) {
  return limits::interest_pause_min +
         limits::interest_pause_a_filter * static_cast<std::int64_t>(filters);
}

class link_events {
 public:
  virtual ~link_events() = default;
  // effective() may have changed.
  virtual void on_interest_changed() = 0;
  // Something came from the network or the disk: settle() and deadline() are due.
  virtual void on_link_event() = 0;
};

// Our relation to one peer: dials it and is dialled by it, runs one session over the better of the
// two channels, and keeps outbox, inbox and the interest of both sides across sessions. If both
// sides dialled, the channel dialled by the smaller name is used (DESIGN section 6): its acceptor
// closes the other one, and its dialler refuses the other one as duplicate_session. Of several
// servers the first that answers is used; a later one only until a session over the first stands.
//
// Owned by the deployment, which calls settle() after every event, its own or told by
// link_events, and wakes it at deadline().
class link : private channel_events {
 public:
  // `local` is the deployment's and outlives the link.
  link(const environment& env, const identity& us, const link_settings& settings,
       const interest::local_view& local, std::shared_ptr<link_store> store, delivery& target,
       link_events& events);
  ~link() override;

  [[nodiscard]] const link_settings& settings() const { return settings_; }
  // Applies what differs: the queue and its cursor stay, the session too unless how to reach the
  // peer changed.
  void configure(const link_settings& settings);

  // The peer dialled us.
  void on_inbound(std::unique_ptr<path> inbound);
  // The peer cannot reach us; see acceptor_events.
  void on_unreachable(const error& why);
  // The view of what local clients are subscribed to was replaced or lost.
  void on_local_view();
  // It changed, by filters that were not there and that were.
  void on_local_change(const std::vector<std::string>& added,
                       const std::vector<std::string>& removed);
  // Sends what may be sent, dials if it is time.
  void settle();
  [[nodiscard]] std::optional<time_point> deadline() const;
  void on_time();
  // Ends the sessions in good order and dials no more.
  void stop(const std::string& reason);

  // Orders of a person. A paused link has no session and goes on queueing; kept over restarts.
  void pause();
  void resume();
  [[nodiscard]] bool is_paused() const { return paused_; }
  // Drops what waits for the peer and is on disk; the number of messages.
  std::uint64_t purge();

  outbox& outgoing() { return outbox_; }
  inbox& incoming() { return inbox_; }
  [[nodiscard]] bool is_up() const { return state_ == link_state::up; }
  // What the peer may have of what it asks for.
  [[nodiscard]] std::vector<std::string> effective() const;
  // The peer has told us what it wants, now or as far as we remember, and effective() follows it.
  [[nodiscard]] bool knows_interest() const;
  // What the peer asks of us, and what we ask of it.
  [[nodiscard]] const std::set<std::string>& wanted() const { return view_.filters(); }
  [[nodiscard]] const std::set<std::string>& announced() const { return announced_.filters(); }
  [[nodiscard]] link_status status() const;

 private:
  void on_channel_up(channel& which) override;
  void on_channel_frame(channel& which, bytes encoded) override;
  void on_channel_room(channel& which) override;
  void on_channel_down(channel& which, const error& reason) override;

  void begin_session(channel& which);
  // Whether this HELLO may begin a session; answers it if not.
  bool admit_hello(channel& from, const wire::frame& hello);
  void send(channel& to, const wire::frame& what, path::lane lane);
  void apply_effects(channel& from);
  void apply(channel& from, session::send_frame& effect);
  void apply(channel& from, session::established& effect);
  void apply(channel& from, session::refused_by& effect);
  void apply(channel& from, session::interest_changed& effect);
  void apply(channel& from, session::deliver& effect);
  void apply(channel& from, session::received_up_to& effect);
  void apply(channel& from, session::acked& effect);
  void apply(channel& from, session::round_trip& effect);
  void apply(channel& from, session::closed& effect);
  // Ends the channel's session and drops its path; dials again in a while if it is ours to dial.
  void drop(channel& which, link_state state, const std::string& reason);
  [[nodiscard]] std::string duplicate_session(const channel& of) const;
  void end_session(channel& which, const std::string& reason);
  void end_sessions(const std::string& reason);
  // Dials the first server at once.
  void begin_anew(const std::string& reason);

  [[nodiscard]] bool dialled_is_preferred() const { return us_.deployment < settings_.name; }
  [[nodiscard]] bool prefers(const channel& which) const;
  channel& other(const channel& which) { return &which == dialled_.get() ? accepted_ : *dialled_; }
  // The channel whose session carries the traffic.
  channel* active();
  [[nodiscard]] const channel* active() const;
  // Whether there may be a session at all.
  [[nodiscard]] bool runs() const { return !stopped_ && settings_.enable && !paused_; }
  [[nodiscard]] bool wants_dial(time_point now) const;
  void dial(time_point now);
  void dial_later(time_point now);
  [[nodiscard]] bool wants_candidate() const;
  std::unique_ptr<channel> new_dialler() {
    return std::make_unique<channel>(session::role::dialler, static_cast<channel_events&>(*this));
  }
  void dial_candidate(time_point now);
  void promote_candidate();
  void idle_state();
  void set_state(link_state state, const std::string& reason);
  void settle_interest(time_point now);
  void announce(time_point now);
  [[nodiscard]] std::optional<time_point> interest_deadline() const;
  void save_interest();
  void on_interest_saved(std::vector<std::string> filters, const result<void>& saved);
  void save_paused();
  void expire_interest();

  environment env_;
  identity us_;
  link_settings settings_;
  std::shared_ptr<link_store> store_;
  link_events& events_;
  link_counters counters_;
  outbox outbox_;
  inbox inbox_;
  interest::peer_view view_;
  interest::narrowing narrowed_;
  interest::announcement announced_;
  pace announcing_, saving_interest_;
  stamp last_seen_;  // when we last had a session with the peer
  std::optional<std::vector<std::string>> kept_interest_;  // the peer's, on disk: this is captured
  bool interest_unsaved_ = false;                          // the last attempt failed

  std::unique_ptr<channel> dialled_ = new_dialler();
  // A way to the first server while a later one of the list is used; it takes the other's place
  // when its session is established, not before.
  std::unique_ptr<channel> candidate_ = new_dialler();
  channel accepted_{session::role::acceptor, *this};
  std::size_t dialled_server_ = 0, next_server_ = 0;  // in settings_.servers
  time_point next_candidate_{};
  backoff dial_delay_;
  time_point next_dial_{};
  time_point established_at_{};
  takeover_watch takeovers_{limits::heartbeat_interval};
  time_point next_maintenance_{};
  bool stopped_ = false;
  bool paused_ = false;

  link_state state_ = link_state::connecting;
  std::string reason_;
  stamp since_;
  std::optional<microseconds> round_trip_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // for what the worker answers later
};

}  // namespace linkd::link

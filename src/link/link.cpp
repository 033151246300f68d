#include "link/link.hpp"

#include <algorithm>
#include <array>

#include "mqtt_linkd/limits.hpp"
#include "topic/topic.hpp"

namespace linkd::link {
namespace {

// What makes it necessary to reach the peer anew.
bool same_way(const link_settings& a, const link_settings& b) {
  return a.servers == b.servers && a.login == b.login && a.client_id_prefix == b.client_id_prefix &&
         a.accept == b.accept && a.frame_key_file == b.frame_key_file &&
         a.control_prefix == b.control_prefix && a.mqtt == b.mqtt && a.tls == b.tls &&
         a.insecure == b.insecure && a.compression == b.compression;
}

link_state state_after(const error& end_of_path) {
  const bool needs_person =
      end_of_path.code == errc::refused || end_of_path.code == errc::permission;
  return needs_person ? link_state::refused : link_state::down;
}

}  // namespace

link::link(const environment& env, const identity& us, const link_settings& settings,
           const interest::local_view& local, std::shared_ptr<link_store> store, delivery& target,
           link_events& events)
    : env_(env),
      us_(us),
      settings_(settings),
      store_(std::move(store)),
      events_(events),
      outbox_(env, settings, store_, counters_),
      inbox_(env, settings, settings.control_prefix, store_, target, counters_,
             [this](std::uint64_t offset) {
               channel* used = active();
               if (!used) return;
               used->session()->on_delivered(offset, env_.time.now());
               apply_effects(*used);
               events_.on_link_event();
             }),
      narrowed_(settings.topics, local),
      last_seen_(env.time.unix_time()),
      dial_delay_(limits::reconnect_delay_min, limits::reconnect_delay_max),
      paused_(store_->paused()),
      since_(env.time.unix_time()) {
  if (const auto& saved = store_->interest()) {
    view_.restore(saved->filters);
    kept_interest_.emplace(view_.filters().begin(), view_.filters().end());
    last_seen_ = saved->last_seen;
  }
  announce(env_.time.now());
  next_maintenance_ = env_.time.now();
  idle_state();
}

link::~link() = default;

void link::configure(const link_settings& settings) {
  const link_settings old = std::exchange(settings_, settings);
  outbox_.configure(settings_);
  inbox_.configure(settings_);
  if (old.enable != settings_.enable || !same_way(old, settings_)) {
    begin_anew("the configuration of the link changed");
  }
  if (old.topics != settings_.topics) narrowed_.configure(settings_.topics);
  announce(env_.time.now());
  events_.on_interest_changed();
}

void link::stop(const std::string& reason) {
  stopped_ = true;
  end_sessions(reason);
}

void link::end_session(channel& which, const std::string& reason) {
  if (which.session() && !which.session()->is_over()) {
    const bool was_active = &which == active();
    which.session()->close(reason);
    for (session::effect& effect : which.session()->take_effects()) {
      if (auto* last = std::get_if<session::send_frame>(&effect)) apply(which, *last);
    }
    if (was_active) save_interest();
  }
  which.close();
}

// --- dialling
// -----------------------------------------------------------------------------------------

bool link::wants_dial(time_point now) const {
  if (!runs() || settings_.servers.empty() || dialled_->is_open()) return false;
  if (accepted_.is_established() && !dialled_is_preferred()) return false;
  return now >= next_dial_;
}

void link::dial(time_point now) {
  dialled_server_ = next_server_ % settings_.servers.size();
  next_server_ = dialled_server_ + 1;
  const server_address& server = settings_.servers[dialled_server_];
  next_dial_ = now + limits::reconnect_delay_max;
  if (!active() && state_ != link_state::down && state_ != link_state::refused) {
    set_state(link_state::connecting, "connecting to " + to_string(server));
  }
  dialled_->open(env_.dial.dial(settings_, server));
}

bool link::wants_candidate() const {
  return runs() && dialled_server_ > 0 && dialled_->is_established() && !candidate_->is_open();
}

void link::dial_candidate(time_point now) {
  next_candidate_ = now + limits::first_server_interval;
  candidate_->open(env_.dial.dial(settings_, settings_.servers.front()));
}

void link::promote_candidate() {
  std::swap(dialled_, candidate_);
  dialled_server_ = 0;
  end_session(*candidate_, "the first server of the list is used again");
}

void link::dial_later(time_point now) {
  next_dial_ = now + dial_delay_.next(env_.random);
}

void link::settle() {
  const time_point now = env_.time.now();
  if (wants_dial(now)) dial(now);
  if (wants_candidate() && now >= next_candidate_) dial_candidate(now);
  settle_interest(now);
  inbox_.settle();
  // The disk refused what had been sent: offsets mean other messages from now on.
  if (active() && active()->session()->queue_id() != outbox_.messages().id())
    begin_anew("the queue could not be written");
  if (channel* used = active()) {
    outbox_.pump(*used->session(), used->way(), now);
    apply_effects(*used);
  }
}

std::optional<time_point> link::deadline() const {
  time_point next = next_maintenance_;
  for (const channel* each :
       std::array<const channel*, 3>{dialled_.get(), candidate_.get(), &accepted_}) {
    if (!each->session()) continue;
    if (const auto due = each->session()->deadline()) next = std::min(next, *due);
  }
  if (runs() && !settings_.servers.empty() && !dialled_->is_open() &&
      !(accepted_.is_established() && !dialled_is_preferred())) {
    next = std::min(next, next_dial_);
  }
  if (wants_candidate()) next = std::min(next, next_candidate_);
  if (const auto due = interest_deadline()) next = std::min(next, *due);
  if (const auto due = outbox_.deadline()) next = std::min(next, *due);
  return next;
}

void link::on_time() {
  const time_point now = env_.time.now();
  for (channel* each : {dialled_.get(), candidate_.get(), &accepted_}) {
    if (!each->session()) continue;
    const auto due = each->session()->deadline();
    if (!due || *due > now) continue;
    each->session()->on_time(now);
    apply_effects(*each);
  }
  outbox_.on_time(now);
  if (now >= next_maintenance_) {
    next_maintenance_ = now + limits::heartbeat_interval;
    expire_interest();
    if (interest_unsaved_) save_interest();
    outbox_.maintain();
  }
}

// --- channels
// -----------------------------------------------------------------------------------------

void link::on_inbound(std::unique_ptr<path> inbound) {
  // A peer that dials again has given up its old connection, unless that one still proves the
  // contrary: the HELLO decides.
  if (stopped_) return;
  if (accepted_.is_established()) {
    drop(accepted_, link_state::down,
         settings_.name +
             " dialled again: its old connection is gone, or a second daemon runs for it");
  }
  accepted_.open(std::move(inbound));
}

void link::on_unreachable(const error& why) {
  // Whoever it was, it does not concern a session that is there.
  if (runs() && !active()) set_state(state_after(why), why.text);
}

void link::on_channel_up(channel& which) {
  if (which.role() == session::role::acceptor) return;  // the HELLO begins it
  // Why the last attempt failed stays visible until this one has an end.
  if (!active() && state_ == link_state::connecting) {
    set_state(link_state::handshaking,
              "waiting for the answer of " + settings_.name + " at " + which.description());
  }
  begin_session(which);
  which.session()->start(env_.time.now());
  apply_effects(which);
  events_.on_link_event();
}

void link::begin_session(channel& which) {
  // What waits in memory for the local broker is bounded by one session's credit: a new session
  // asks for it again, unless another one may still be counting on it.
  if (!dialled_->session() && !candidate_->session() && !accepted_.session()) inbox_.take_back();
  session::local_side local;
  local.deployment = us_.deployment;
  local.peer = settings_.name;
  local.incarnation = us_.incarnation;
  local.queue_id = outbox_.messages().id();
  for (const auto& former : outbox_.messages().former_ids())
    local.former_queue_ids.push_back({former.id, former.end});
  local.queue_begin = outbox_.messages().begin();
  local.received = inbox_.received();
  local.message_bytes_max = us_.message_bytes_max + limits::topic_bytes_max;
  local.frame_bytes_max = which.frame_bytes_max();
  local.compress = settings_.compression == compression_kind::zstd;
  local.retry_interval = settings_.mqtt.retry_interval;
  which.session().emplace(which.role(), local, env_.random.next(), view_, announced_);
}

void link::on_channel_frame(channel& which, bytes encoded) {
  counters_.wire_bytes_in += encoded.size();
  auto frame = wire::decode(encoded);
  const bool is_hello = frame && std::holds_alternative<wire::hello>(frame->body);
  if (which.role() == session::role::acceptor && is_hello) {
    if (!admit_hello(which, *frame)) return;
  } else if (!which.session()) {
    begin_session(which);  // an acceptor's: it tells the peer that its session is of the past
  }
  if (frame) {
    which.session()->on_queue_end(outbox_.messages().end());
    which.session()->on_frame(std::move(*frame), env_.time.now());
  } else {
    which.session()->on_bad_frame(frame.error());
  }
  apply_effects(which);
  events_.on_link_event();
}

bool link::admit_hello(channel& from, const wire::frame& hello) {
  const auto refuse = [&](wire::refusal reason, const std::string& text) {
    send(from, {hello.session, wire::refused{reason, text}}, path::lane::control);
    return false;
  };
  if (!settings_.enable) {
    return refuse(wire::refusal::link_disabled,
                  us_.deployment + " has disabled its link to " + settings_.name);
  }
  if (paused_) {
    return refuse(wire::refusal::link_disabled,
                  us_.deployment + " has paused its link to " + settings_.name);
  }
  if (dialled_->is_established() && dialled_is_preferred()) {
    return refuse(wire::refusal::duplicate_session,
                  "the connection that " + us_.deployment + " dialled is used");
  }
  // A peer that restarted, or lost its connection before we noticed, begins anew on the same path.
  if (!from.session() || from.session()->id() != hello.session) {
    if (from.is_established()) save_interest();
    from.session().reset();
    begin_session(from);
  }
  return true;
}

void link::on_channel_room(channel& which) {
  if (&which == active()) events_.on_link_event();
}

void link::on_channel_down(channel& which, const error& reason) {
  drop(which, state_after(reason), reason.text);
  events_.on_link_event();
}

void link::drop(channel& which, link_state state, const std::string& reason) {
  if (&which == candidate_.get()) {
    which.close();
    return;
  }
  // A session that ended by itself, as after BYE, is no longer established.
  const bool was_active = state_ == link_state::up && (!active() || active() == &which);
  std::string suspicion;
  if (was_active) {
    save_interest();
    takeovers_.on_end(env_.time.now() - established_at_);
    suspicion = duplicate_session(which);
  }
  which.close();
  if (which.role() == session::role::dialler) {
    const time_point now = env_.time.now();
    // Only a session that lasted proves that dialling at once makes sense.
    if (was_active && now - established_at_ >= limits::heartbeat_interval) dial_delay_.reset();
    dial_later(now);
  }
  if (active()) return;
  if (was_active) round_trip_.reset();
  if (which.role() == session::role::dialler || was_active || state == link_state::refused) {
    set_state(state, reason + suspicion);
  }
}

// Two daemons of one deployment take the session away from each other, again and again.
std::string link::duplicate_session(const channel& of) const {
  if (!takeovers_.suspected() || !takeovers_.is_short(env_.time.now() - established_at_)) return {};
  const bool ours = of.role() == session::role::dialler;
  return "; duplicate_session: sessions end again and again, perhaps a second daemon runs for " +
         (ours ? us_.deployment : settings_.name);
}

void link::send(channel& to, const wire::frame& what, path::lane lane) {
  if (!to.is_up()) return;
  bytes encoded = wire::encode(what);
  counters_.wire_bytes_out += encoded.size();
  to.way().send(std::move(encoded), lane);
}

bool link::prefers(const channel& which) const {
  return (which.role() == session::role::dialler) == dialled_is_preferred();
}

channel* link::active() {
  return const_cast<channel*>(static_cast<const link*>(this)->active());
}

const channel* link::active() const {
  if (dialled_->is_established()) return dialled_.get();
  if (accepted_.is_established()) return &accepted_;
  return nullptr;
}

// --- state
// --------------------------------------------------------------------------------------------

void link::idle_state() {
  if (!settings_.enable) {
    set_state(link_state::disabled, "disabled in the configuration");
  } else if (paused_) {
    set_state(link_state::paused, "paused by an operator; messages are queued");
  } else if (settings_.servers.empty()) {
    set_state(link_state::connecting, "waiting for " + settings_.name + " to dial");
  } else {
    set_state(link_state::connecting, "connecting to " + to_string(settings_.servers.front()));
  }
}

void link::set_state(link_state state, const std::string& reason) {
  if (state == state_ && reason == reason_) return;
  if (state != state_) since_ = env_.time.unix_time();
  state_ = state;
  reason_ = reason;
  const bool bad = state == link_state::refused || state == link_state::down;
  env_.log.write(bad ? log_level::warning : log_level::info,
                 "link_" + std::string(to_string(state)), settings_.name, reason);
}

link_status link::status() const {
  link_status status;
  status.name = settings_.name;
  status.state = state_;
  status.reason = reason_;
  status.since = since_;
  status.counters = counters_;
  const queue::link_queue& messages = outbox_.messages();
  status.queue_messages = messages.messages();
  status.queue_bytes = messages.body_bytes();
  status.queue_limit_bytes = settings_.queue.bytes_max;
  status.queue_oldest = messages.oldest();
  if (const channel* used = active()) {
    status.reason += duplicate_session(*used);
    status.inflight_bytes = used->session()->inflight_bytes();
  }
  status.interest_filters_in = view_.filters().size();
  status.interest_filters_out = announced_.filters().size();
  status.interest_topics = settings_.topics.size();
  status.interest_wanted = narrowed_.wanted();
  status.interest_summarized = narrowed_.summary_levels().has_value();
  status.round_trip = round_trip_;
  return status;
}

}  // namespace linkd::link

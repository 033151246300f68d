#include "session/session.hpp"

#include <algorithm>
#include <utility>

namespace linkd::session {
namespace {

constexpr seconds foreign_bye_interval{1};

std::string seconds_text(seconds time) {
  return std::to_string(time.count()) + " s";
}

// Ends a session itself: answering it with BYE would be endless.
bool is_final(const wire::frame_body& body) {
  return std::holds_alternative<wire::bye>(body) || std::holds_alternative<wire::refused>(body);
}

}  // namespace

link_session::link_session(role which, local_side local, std::uint64_t session_id,
                           interest::peer_view& view, const interest::announcement& announced)
    : role_(which),
      local_(std::move(local)),
      view_(view),
      id_(which == role::dialler ? session_id : 0),
      announcer_(announced) {}

void link_session::start(time_point now) {
  if (state_ != state::waiting || role_ == role::acceptor) return;
  state_ = state::handshaking;
  handshake_due_ = now + limits::handshake_timeout;
  send(our_hello());
}

void link_session::on_frame(wire::frame what, time_point now) {
  if (is_over() || (role_ == role::dialler && state_ == state::waiting)) return;
  const bool opens = role_ == role::acceptor && state_ == state::waiting &&
                     std::holds_alternative<wire::hello>(what.body);
  if (opens) id_ = what.session;
  if (what.session != id_) {
    on_foreign(what, now);
    return;
  }
  heard_at_ = now;
  // Before the handshake is done only its own frames may come, and DATA: another lane carries it.
  const bool early = state_ != state::established &&
                     !std::holds_alternative<wire::hello>(what.body) &&
                     !std::holds_alternative<wire::hello_ack>(what.body) &&
                     !std::holds_alternative<wire::data>(what.body) && !is_final(what.body);
  if (early) {
    fail("a frame before the handshake was done");
    return;
  }
  std::visit([&](auto& body) { on(body, now); }, what.body);
}

// A peer that holds on to a session we know nothing of (we were restarted) is told so, to dial
// again at once. A HELLO is for the link: it makes a new session.
void link_session::on_foreign(const wire::frame& what, time_point now) {
  if (role_ == role::dialler || std::holds_alternative<wire::hello>(what.body) ||
      is_final(what.body))
    return;
  if (foreign_bye_at_ && now - *foreign_bye_at_ < foreign_bye_interval) return;
  foreign_bye_at_ = now;
  effects_.push_back(send_frame{{what.session, wire::bye{"no such session"}}});
}

void link_session::on_bad_frame(const error& reason) {
  if (!is_over()) fail(reason.text);
}

wire::hello link_session::our_hello() const {
  wire::hello out;
  out.features = {std::string(wire::feature_zstd)};
  out.deployment = local_.deployment;
  out.peer = local_.peer;
  out.incarnation = local_.incarnation;
  out.queue_id = local_.queue_id;
  out.inflight_bytes_max = limits::inflight_bytes_max;
  out.frame_bytes_max =
      std::clamp(local_.frame_bytes_max, wire::frame_bytes_min, limits::frame_bytes_max);
  out.message_bytes_max = local_.message_bytes_max;
  out.received = local_.received;
  return out;
}

void link_session::on(wire::hello& hello, time_point now) {
  if (role_ == role::dialler) {
    fail("HELLO from the side that was dialled");
    return;
  }
  if (state_ == state::established) return;  // the path repeated it
  state_ = state::handshaking;
  if (refusal_) {
    refuse(refusal_->reason, refusal_->text);
    return;
  }
  if (admit(hello)) establish(std::move(hello), now);
}

void link_session::on(wire::hello_ack& ack, time_point now) {
  if (role_ == role::acceptor) {
    fail("HELLO_ACK from the side that dialled");
    return;
  }
  if (state_ == state::established) return;
  if (ack.version_min != ack.version_max) {
    fail("HELLO_ACK without a chosen version");
    return;
  }
  if (admit(ack)) establish(std::move(ack), now);
}

bool link_session::admit(const wire::hello& peer) {
  if (peer.peer != local_.deployment) {
    refuse(wire::refusal::wrong_name,
           "you call us " + peer.peer + ", but this is " + local_.deployment);
  } else if (peer.deployment != local_.peer) {
    refuse(wire::refusal::unknown_deployment,
           "this link is for " + local_.peer + ", not for " + peer.deployment);
  } else if (peer.version_min > wire::protocol_version ||
             peer.version_max < wire::protocol_version) {
    refuse(wire::refusal::version, "you speak versions " + std::to_string(peer.version_min) +
                                       " to " + std::to_string(peer.version_max) +
                                       " of the protocol, we speak " +
                                       std::to_string(wire::protocol_version));
  } else {
    return true;
  }
  return false;
}

void link_session::establish(wire::hello peer, time_point now) {
  if (const auto started = sender_.start(local_, peer); started.has_error()) {
    fail(started.error().text);
    return;
  }
  const auto frame_bytes_max = std::min(our_hello().frame_bytes_max, peer.frame_bytes_max);
  if (role_ == role::acceptor) send(wire::hello_ack{our_hello()});
  state_ = state::established;
  next_ping_ = now + limits::heartbeat_interval;
  effects_.push_back(established{peer});
  send(announcer_.start(frame_bytes_max, now));
  if (is_over()) return;
  if (auto hole = sender_.skip_hole()) send(std::move(*hole));
  const auto received = receiver_.start(local_, peer, now, effects_);
  if (received.has_error()) fail(received.error().text);
}

void link_session::on(wire::refused& refused, time_point) {
  end(refused_by{refused.reason, std::move(refused.text), false});
}

void link_session::on(wire::bye& bye, time_point) {
  end(closed{"the peer ended the session: " + bye.reason});
}

void link_session::on(wire::interest_begin& begin, time_point) {
  view_.begin(begin.version);
}

void link_session::on(wire::interest_items& items, time_point) {
  if (const auto taken = view_.items(items.filters); taken.has_error()) fail(taken.error().text);
}

void link_session::on(wire::interest_end& end, time_point) {
  const auto changed = view_.end(end.count, end.hash);
  if (changed.has_error()) {
    fail(changed.error().text);
  } else if (*changed) {
    effects_.push_back(interest_changed{});
  }
}

void link_session::on(wire::interest_delta& delta, time_point) {
  const auto changed = view_.delta(delta.version, delta.added, delta.removed);
  if (changed.has_error()) {
    fail(changed.error().text);
  } else if (*changed) {
    effects_.push_back(interest_changed{});
  }
}

void link_session::on(wire::data& data, time_point now) {
  const auto taken = receiver_.on_data(std::move(data), now, effects_);
  if (taken.has_error()) fail(taken.error().text);
}

void link_session::on(wire::ack& ack, time_point) {
  const auto release = sender_.on_ack(ack);
  if (release.has_error()) {
    fail(release.error().text);
  } else if (*release) {
    effects_.push_back(acked{**release});
  }
}

void link_session::on(wire::ping& ping, time_point now) {
  send(wire::pong{ping.number});
  // An ACK may have been lost with a connection below the path; nothing else would repeat it.
  if (receiver_.delivered() > 0) send_ack(false);
  receiver_.on_sent_offset(ping.sent_offset, now);
  send(announcer_.on_ping(ping, now));
}

void link_session::on(wire::pong& pong, time_point now) {
  if (!ping_sent_at_ || pong.number != ping_number_) return;
  effects_.emplace_back(round_trip{now - *ping_sent_at_});
  ping_sent_at_.reset();
}

std::optional<time_point> link_session::deadline() const {
  if (state_ == state::handshaking) return handshake_due_;
  if (state_ != state::established) return std::nullopt;
  auto due = std::min(next_ping_, heard_at_ + limits::heartbeat_timeout);
  for (const auto& other : {sender_.deadline(), receiver_.deadline()}) {
    if (other) due = std::min(due, *other);
  }
  return due;
}

void link_session::on_time(time_point now) {
  if (state_ == state::handshaking && now >= handshake_due_) {
    end(closed{"no answer to HELLO within " + seconds_text(limits::handshake_timeout), false,
               true});
  }
  if (state_ != state::established) return;
  if (now - heard_at_ >= limits::heartbeat_timeout) {
    close("nothing heard for " + seconds_text(limits::heartbeat_timeout));
    return;
  }
  if (now >= next_ping_) beat(now);
  if (receiver_.on_time(now)) send_ack(true);
  sender_.on_time(now);
}

void link_session::beat(time_point now) {
  next_ping_ = now + limits::heartbeat_interval;
  ping_sent_at_ = now;
  const auto digest = view_.current();
  send(
      wire::ping{++ping_number_, digest.version, digest.count, digest.hash, sender_.sent_offset()});
}

void link_session::announce(const interest::change& change, time_point now) {
  if (is_established()) send(announcer_.on_change(change, now));
}

void link_session::on_delivered(std::uint64_t offset, time_point) {
  if (is_established() && receiver_.on_delivered(offset)) send_ack(false);
}

void link_session::on_queue_begin(std::uint64_t begin) {
  sender_.on_queue_begin(begin);
}

link_session::pull link_session::want_data(std::size_t waiting_bytes, time_point oldest_wait,
                                           time_point now) {
  if (!is_established()) return {};
  return sender_.want_data(waiting_bytes, oldest_wait, now);
}

void link_session::send_data(std::uint64_t begin, std::uint64_t end,
                             const std::vector<wire::numbered_record>& records,
                             std::uint64_t now_ms, time_point) {
  if (!is_established()) return;
  for (auto& data : sender_.make_data(begin, end, records, now_ms)) send(std::move(data));
}

void link_session::send(wire::frame_body body) {
  const bool control = !std::holds_alternative<wire::data>(body);
  effects_.push_back(send_frame{{id_, std::move(body)}, control});
}

void link_session::send(result<std::vector<wire::frame_body>> bodies) {
  if (bodies.has_error()) {
    close(bodies.error().text);
    return;
  }
  for (auto& body : *bodies) send(std::move(body));
}

void link_session::send_ack(bool resend) {
  wire::ack ack{receiver_.delivered(), std::nullopt};
  if (resend) ack.resend_from = receiver_.position();
  send(ack);
}

void link_session::close(const std::string& reason) {
  if (is_over()) return;
  if (id_ != 0 && state_ != state::waiting) send(wire::bye{reason});
  end(closed{reason});
}

void link_session::fail(const std::string& reason) {
  if (id_ != 0 && state_ != state::waiting) send(wire::bye{reason});
  end(closed{reason, true});
}

void link_session::refuse(wire::refusal reason, const std::string& text) {
  if (is_over()) return;
  if (state_ == state::waiting) {
    refusal_ = wire::refused{reason, text};
    return;
  }
  send(wire::refused{reason, text});
  end(refused_by{reason, text, true});
}

std::vector<effect> link_session::take_effects() {
  return std::exchange(effects_, {});
}

}  // namespace linkd::session

#include <algorithm>

#include "link/link.hpp"
#include "mqtt_linkd/limits.hpp"

// What a session wants done, done.
namespace linkd::link {

void link::apply_effects(channel& from) {
  while (from.session()) {
    auto effects = from.session()->take_effects();
    if (effects.empty()) return;
    const std::uint64_t id = from.session()->id();
    for (session::effect& effect : effects) {
      std::visit([&](auto& each) { apply(from, each); }, effect);
      // An effect may have ended this session or begun another: then the rest is of the past.
      if (!from.session() || from.session()->id() != id) return;
    }
  }
}

void link::apply(channel& from, session::send_frame& effect) {
  send(from, effect.what, effect.control ? path::lane::control : path::lane::data);
}

void link::apply(channel& from, session::established& effect) {
  if (&from == candidate_.get()) promote_candidate();
  channel& spare = other(from);
  if (spare.is_established()) {
    if (prefers(spare)) {
      end_session(from, "another connection of this link is used");
      return;
    }
    end_session(spare, "another connection of this link is used");
  }
  established_at_ = env_.time.now();
  next_server_ = 0;
  next_candidate_ = established_at_ + limits::first_server_interval;
  ++counters_.connects;
  inbox_.use_queue(effect.peer.queue_id);
  outbox_.use_session(effect.peer, from.session()->send_position());
  // Of this queue, over an earlier session or while this one began: the peer may not know it yet.
  from.session()->on_delivered(inbox_.saved(), env_.time.now());
  set_state(link_state::up,
            (from.role() == session::role::dialler ? "connected through "
                                                   : "dialled by the peer through ") +
                from.description());
}

void link::apply(channel& from, session::refused_by& effect) {
  if (effect.reason == wire::refusal::duplicate_session) {
    from.close();
    if (&from == dialled_.get()) dial_later(env_.time.now());
    return;
  }
  const std::string who =
      effect.by_us ? "we refuse " + settings_.name : settings_.name + " refuses";
  drop(from, link_state::refused,
       who + " (" + std::string(wire::to_string(effect.reason)) + "): " + effect.text);
}

void link::apply(channel&, session::interest_changed&) {
  ++counters_.interest_updates_in;
  saving_interest_.ask();
}

void link::apply(channel&, session::deliver& effect) {
  const time_point now = env_.time.now();
  for (const auto& each : effect.records) {
    inbox_.on_record(each.offset, each.record, effect.sent_at_ms, now);
  }
}

void link::apply(channel& from, session::received_up_to& effect) {
  inbox_.on_received_up_to(effect.offset);
  // What an earlier session delivered may come again over this one: then nothing new is saved.
  from.session()->on_delivered(inbox_.saved(), env_.time.now());
}

void link::apply(channel& from, session::acked& effect) {
  if (const auto valid = outbox_.on_acked(effect.offset); !valid) {
    drop(from, link_state::down, settings_.name + ": " + valid.error().text);
  }
}

void link::apply(channel&, session::round_trip& effect) {
  round_trip_ = effect.time;
}

void link::apply(channel& from, session::closed& effect) {
  std::string reason = effect.reason;
  if (effect.unanswered && from.description().starts_with("mqtt")) {
    reason += " at " + from.description() + ": " + settings_.name +
              "'s daemon is not there, or the broker drops our frames: is control_prefix the same "
              "at both ends, and one that the broker carries?";
  }
  drop(from, link_state::down, reason);
}

}  // namespace linkd::link

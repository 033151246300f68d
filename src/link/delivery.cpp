#include "link/delivery.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "mqtt_linkd/limits.hpp"
#include "mqtt_linkd/mqtt_reason.hpp"

namespace linkd::link {
namespace {

constexpr int suspect_losses = limits::connection_losses_max - 1;

// What is left of the expiry interval; none if the message never expires, 0 if it has.
std::optional<std::uint32_t> remaining_expiry_s(const consignment& what, time_point now) {
  const auto& interval = what.content.properties.message_expiry_interval_s;
  if (!interval) return std::nullopt;
  const auto here = std::chrono::duration_cast<milliseconds>(now - what.handed_over).count();
  const std::uint64_t spent_s =
      (what.age_before_ms + static_cast<std::uint64_t>(std::max<std::int64_t>(here, 0))) / 1000;
  return spent_s >= *interval ? 0 : static_cast<std::uint32_t>(*interval - spent_s);
}

}  // namespace

void delivery::submit(delivery_owner& owner, consignment what) {
  items_.push_back({&owner, std::move(what)});
}

delivery::item* delivery::find(publication_id id) {
  if (id < first_ || id >= end()) return nullptr;
  item& found = items_[id - first_];
  return found.gone ? nullptr : &found;
}

delivery::item delivery::take(item& which) {
  item taken = std::move(which);
  which.gone = true;
  for (; !items_.empty() && items_.front().gone; ++first_) items_.pop_front();
  return taken;
}

void delivery::forget(const delivery_owner& owner) {
  for (publication_id id = first_; id < end(); ++id) {
    item* const each = find(id);
    if (!each || each->owner != &owner) continue;
    if (each->in_flight) {
      each->owner = nullptr;
    } else {
      take(*each);
    }
  }
}

std::optional<std::uint64_t> delivery::take_back(const delivery_owner& owner, std::uint64_t epoch) {
  std::optional<std::uint64_t> lowest;
  for (publication_id id = first_; id < end(); ++id) {
    item* const each = find(id);
    if (!each || each->owner != &owner || each->what.epoch != epoch || each->handed_over) continue;
    const item taken = take(*each);
    if (!lowest) lowest = taken.what.offset;
  }
  return lowest;
}

void delivery::on_up(const broker_session& session) {
  refused_ = false;
  inflight_max_ =
      std::clamp<std::size_t>(session.publishes_inflight_max, 1, limits::publishes_inflight_max);
}

void delivery::on_down(bool by_peer) {
  inflight_max_ = 0;
  for (publication_id id = first_; id < end(); ++id) {
    item* const lost = find(id);
    if (!lost || !lost->in_flight) continue;
    lost->in_flight = false;
    if (by_peer && !refused_) ++lost->losses;
    if (lost->what.content.qos == 0) {
      finish(*lost, {});  // at most once: perhaps it arrived
    } else if (lost->losses >= limits::connection_losses_max) {
      finish(*lost,
             {delivery_outcome::kind::rejected, "the broker closed the connection each of " +
                                                    std::to_string(limits::connection_losses_max) +
                                                    " times it was published"});
    }
  }
  inflight_ = 0;
  suspect_in_flight_ = false;
  next_ = first_;
}

void delivery::on_published(const publish_outcome& outcome) {
  item* const done = find(outcome.id);
  if (!done || !done->in_flight) return;
  --inflight_;
  suspect_in_flight_ = false;  // a suspect travels alone
  if (outcome.reason_code < mqtt_reason::first_failure) return finish(*done, {});
  refused_ = true;
  finish(*done, {delivery_outcome::kind::rejected, describe_reason_code(outcome.reason_code)});
}

bool delivery::may_send(const item& next) const {
  if (inflight_ >= inflight_max_ || suspect_in_flight_) return false;
  return next.losses < suspect_losses || inflight_ == 0;
}

void delivery::pump(time_point now) {
  if (paused_) return;
  for (publication_id id = std::max(next_, first_); id < end(); ++id) {
    item* const next = find(id);
    if (!next) continue;
    if (!may_send(*next)) return;
    next_ = id + 1;
    const auto left_s = remaining_expiry_s(next->what, now);
    if (left_s && *left_s == 0) {
      finish(*next, {delivery_outcome::kind::expired, ""});
      continue;
    }
    const auto accepted = publish(id, next->what, left_s);
    if (accepted) {
      next->in_flight = next->handed_over = true;
      ++inflight_;
      suspect_in_flight_ = next->losses >= suspect_losses;
    } else if (accepted.error().code == errc::unavailable) {
      next_ = id;  // the connection is going; on_down follows
      return;
    } else {
      finish(*next, {delivery_outcome::kind::rejected, accepted.error().text});
    }
  }
}

result<void> delivery::publish(publication_id id, const consignment& what,
                               std::optional<std::uint32_t> left_s) {
  const in_hand guard(crashes_, {what.queue_id, what.offset, what.offset + 1});
  if (!left_s) return target_.publish(id, what.content);
  message aged = what.content;
  aged.properties.message_expiry_interval_s = left_s;
  return target_.publish(id, aged);
}

void delivery::finish(item& which, const delivery_outcome& outcome) {
  const item done = take(which);
  if (done.owner) done.owner->on_delivery(done.what, outcome);
}

std::string describe_reason_code(std::uint8_t reason_code) {
  struct name {
    std::uint8_t code;
    const char* text;
  };
  static constexpr std::array names{
      name{0x80, "unspecified error"},      name{0x83, "implementation specific error"},
      name{0x87, "not authorized"},         name{0x8f, "topic filter invalid"},
      name{0x90, "topic name invalid"},     name{0x91, "packet identifier in use"},
      name{0x95, "packet too large"},       name{0x97, "quota exceeded"},
      name{0x99, "payload format invalid"}, name{0x9e, "shared subscriptions not supported"}};
  const auto known = std::find_if(names.begin(), names.end(),
                                  [&](const name& n) { return n.code == reason_code; });
  constexpr char digits[] = "0123456789abcdef";
  std::string text{'0', 'x', digits[reason_code >> 4], digits[reason_code & 15]};
  return text + ' ' + (known == names.end() ? "refused" : known->text);
}

}  // namespace linkd::link

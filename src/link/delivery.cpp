#include "link/delivery.hpp"

#include <algorithm>
#include <array>

#include "mqtt_linkd/limits.hpp"

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
  items_.emplace(++last_, item{&owner, std::move(what), 0, false, false});
}

void delivery::forget(const delivery_owner& owner) {
  for (auto it = items_.begin(); it != items_.end();) {
    if (it->second.owner == &owner && !it->second.in_flight) {
      it = items_.erase(it);
      continue;
    }
    if (it->second.owner == &owner) it->second.owner = nullptr;
    ++it;
  }
}

std::optional<std::uint64_t> delivery::take_back(const delivery_owner& owner, std::uint64_t epoch) {
  std::optional<std::uint64_t> first;
  for (auto it = items_.begin(); it != items_.end();) {
    const item& each = it->second;
    if (each.owner != &owner || each.what.epoch != epoch || each.handed_over) {
      ++it;
      continue;
    }
    if (!first) first = each.what.offset;
    it = items_.erase(it);
  }
  return first;
}

void delivery::on_up(const broker_session& session) {
  refused_ = false;
  inflight_max_ =
      std::clamp<std::size_t>(session.publishes_inflight_max, 1, limits::publishes_inflight_max);
}

void delivery::on_down(bool by_peer) {
  inflight_max_ = 0;
  for (auto it = items_.begin(); it != items_.end();) {
    const auto current = it++;
    item& lost = current->second;
    if (!lost.in_flight) continue;
    lost.in_flight = false;
    if (by_peer && !refused_) ++lost.losses;
    if (lost.what.content.qos == 0) {
      finish(current, {});  // at most once: perhaps it arrived
    } else if (lost.losses >= limits::connection_losses_max) {
      finish(current,
             {delivery_outcome::kind::rejected, "the broker closed the connection each of " +
                                                    std::to_string(limits::connection_losses_max) +
                                                    " times it was published"});
    }
  }
  inflight_ = 0;
  suspect_in_flight_ = false;
  next_ = items_.empty() ? last_ + 1 : items_.begin()->first;
}

void delivery::on_published(publication_id id, std::uint8_t reason_code, time_point now) {
  const auto found = items_.find(id);
  if (found == items_.end() || !found->second.in_flight) return;
  --inflight_;
  suspect_in_flight_ = false;  // a suspect travels alone
  delivery_outcome outcome;
  if (reason_code >= 0x80) {
    refused_ = true;
    outcome = {delivery_outcome::kind::rejected, describe_reason_code(reason_code)};
  }
  finish(found, outcome);
  pump(now);
}

bool delivery::may_send(const item& next) const {
  if (inflight_ >= inflight_max_ || suspect_in_flight_) return false;
  return next.losses < suspect_losses || inflight_ == 0;
}

void delivery::pump(time_point now) {
  if (paused_) return;
  for (auto it = items_.lower_bound(next_); it != items_.end();) {
    const auto current = it++;
    item& next = current->second;
    if (!may_send(next)) return;
    next_ = current->first + 1;
    const auto left_s = remaining_expiry_s(next.what, now);
    if (left_s && *left_s == 0) {
      finish(current, {delivery_outcome::kind::expired, ""});
      continue;
    }
    const auto accepted = publish(current->first, next.what, left_s);
    if (accepted) {
      next.in_flight = next.handed_over = true;
      ++inflight_;
      suspect_in_flight_ = next.losses >= suspect_losses;
    } else if (accepted.error().code == errc::unavailable) {
      next_ = current->first;  // the connection is going; on_down follows
      return;
    } else {
      finish(current, {delivery_outcome::kind::rejected, accepted.error().text});
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

void delivery::finish(items::iterator which, const delivery_outcome& outcome) {
  const item done = std::move(which->second);
  items_.erase(which);
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

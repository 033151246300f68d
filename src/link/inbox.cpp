#include "link/inbox.hpp"

#include <algorithm>

#include "mqtt_linkd/limits.hpp"
#include "topic/topic.hpp"

namespace linkd::link {
namespace {

constexpr seconds dead_letter_log_interval{10};

}  // namespace

inbox::inbox(const environment& env, const link_settings& settings, std::string control_prefix,
             std::shared_ptr<link_store> store, delivery& target, link_counters& counters,
             std::function<void(std::uint64_t)> progress)
    : env_(env),
      settings_(settings),
      control_prefix_(std::move(control_prefix)),
      store_(std::move(store)),
      target_(target),
      counters_(counters),
      progress_(std::move(progress)) {
  if (const auto& cursor = store_->saved_cursor()) {
    queue_id_ = cursor->queue_id;
    received_ = saved_ = cursor->offset;
  }
  if (store_->crashes().careful()) careful_bytes_ = limits::careful_bytes;
}

inbox::~inbox() {
  target_.forget(*this);
}

std::uint64_t inbox::delivered() const {
  return outstanding_.empty() ? received_ : *outstanding_.begin();
}

void inbox::use_queue(std::uint64_t queue_id) {
  if (queue_id == queue_id_) return;
  queue_id_ = queue_id;
  ++epoch_;
  received_ = 0;
  saved_ = 0;
  outstanding_.clear();
  held_.clear();
}

void inbox::on_record(std::uint64_t offset, bytes_view record, std::uint64_t sent_at_ms,
                      time_point now) {
  if (offset < received_) return;  // taken over through an earlier session
  received_ = offset + 1;
  ++counters_.messages_received;
  outstanding_.insert(offset);
  if (careful_bytes_ > 0) {
    held_.push_back({offset, bytes(record), sent_at_ms, now});
  } else {
    handle(offset, record, sent_at_ms, now);
  }
}

void inbox::handle(std::uint64_t offset, bytes_view record, std::uint64_t sent_at_ms,
                   time_point now) {
  auto decoded = wire::decode_record(record);
  if (!decoded) return pass_over(offset, drop_reason::damaged);
  counters_.payload_bytes_in += decoded->content.payload.size();
  const auto captured_ms =
      static_cast<std::uint64_t>(decoded->captured_at.time_since_epoch().count());
  const std::uint64_t age_ms = sent_at_ms > captured_ms ? sent_at_ms - captured_ms : 0;
  if (const auto reason = refuse(*decoded, age_ms)) return pass_over(offset, *reason);
  if (settings_.retained == retained_policy::off) decoded->content.retain = false;
  target_.submit(*this, {epoch_, offset, std::move(decoded->content), now, age_ms});
}

void inbox::pass_over(std::uint64_t offset, drop_reason reason) {
  drop(reason);
  outstanding_.erase(offset);
}

std::optional<drop_reason> inbox::refuse(const wire::record& what, std::uint64_t age_ms) const {
  const std::string& topic = what.content.topic;
  const bool wanted =
      std::any_of(settings_.topics.begin(), settings_.topics.end(),
                  [&](const std::string& filter) { return topic::matches(filter, topic); });
  if (!wanted || topic.starts_with(control_prefix_ + "/")) return drop_reason::not_wanted;
  const auto& expiry_s = what.content.properties.message_expiry_interval_s;
  if (expiry_s && age_ms >= std::uint64_t{1000} * *expiry_s) return drop_reason::expired;
  return std::nullopt;
}

void inbox::on_received_up_to(std::uint64_t offset) {
  received_ = std::max(received_, offset);
  save_if_moved(false);
}

// --- one by one, after a crash
// ----------------------------------------------------------------------------

void inbox::settle() {
  const bool up = target_.is_up();
  // It waits for the broker: a process that ends now does not end because of it.
  if (trial_ == trial::on && !up) end_trial();
  if (held_.empty() || ending_ || !up || saving_ || trial_ == trial::beginning) return;
  const wire::cursor next{queue_id_, held_.front().offset};
  if (saved_ != next.offset) return;  // something before it is still under way
  if (store_->crashes().deaths(next) >= limits::crashes_max) return quarantine();
  trial_ = trial::beginning;
  // If it cannot be noted it goes on without.
  store_->begin_trial(next, [this, next, alive = std::weak_ptr(alive_)](const result<void>&) {
    if (!alive.expired()) on_trial_noted(next);
  });
}

void inbox::on_trial_noted(const wire::cursor& which) {
  trial_ = trial::on;
  const bool taken_back = held_.empty() || which != wire::cursor{queue_id_, held_.front().offset};
  if (ending_ || taken_back) return;
  do {
    const arrival next = std::move(held_.front());
    held_.pop_front();
    careful_bytes_ -= std::min<std::uint64_t>(careful_bytes_, next.record.size());
    handle(next.offset, next.record, next.sent_at_ms, next.when);
  } while (careful_bytes_ == 0 && !held_.empty());
  if (careful_bytes_ == 0) end_trial();
  save_if_moved(false);
  target_.pump(env_.time.now());
}

void inbox::end_trial() {
  trial_ = trial::none;
  store_->end_trial([](const result<void>&) {});  // if it cannot be noted, a death counts too much
}

void inbox::quarantine() {
  const arrival bad = std::move(held_.front());
  held_.pop_front();
  pass_over(bad.offset, drop_reason::rejected);
  dead_letter({env_.time.unix_time(),
               "the daemon died each of " + std::to_string(limits::crashes_max) +
                   " times it handled this; not decoded: the payload is the whole record",
               "", 0, false, bad.record});
  save_if_moved(false);
}

void inbox::take_back() {
  auto first = target_.take_back(*this, epoch_);
  if (!first && !held_.empty()) first = held_.front().offset;
  held_.clear();
  if (first) {
    received_ = *first;
    outstanding_.erase(outstanding_.lower_bound(*first), outstanding_.end());
  }
}

void inbox::on_delivery(const consignment& which, const delivery_outcome& outcome) {
  switch (outcome.what) {
    case delivery_outcome::kind::published:
      ++counters_.messages_published;
      break;
    case delivery_outcome::kind::expired:
      drop(drop_reason::expired);
      break;
    case delivery_outcome::kind::rejected:
      drop(drop_reason::rejected);
      dead_letter({env_.time.unix_time(), outcome.reason, which.content.topic, which.content.qos,
                   which.content.retain, which.content.payload});
      break;
  }
  if (which.epoch != epoch_) return;
  outstanding_.erase(which.offset);
  save_if_moved(false);
}

void inbox::dead_letter(queue::dead_letters::letter what) {
  const time_point now = env_.time.now();
  ++unlogged_dead_letters_;
  if (now >= next_dead_letter_log_) {
    next_dead_letter_log_ = now + dead_letter_log_interval;
    env_.log.write(log_level::warning, "dead_letter", settings_.name,
                   (what.topic.empty() ? "" : "topic " + what.topic + ": ") + what.reason +
                       "; kept in dead-letters/ with " +
                       std::to_string(std::exchange(unlogged_dead_letters_, 0) - 1) +
                       " others since the last such line");
  }
  store_->save_dead_letter(
      std::move(what), [this, alive = std::weak_ptr(alive_)](const result<void>& saved) {
        if (saved || alive.expired()) return;
        env_.log.write(log_level::error, "dead_letter_lost", settings_.name, saved.error().text);
      });
}

void inbox::flush() {
  ending_ = true;
  end_trial();
  save_if_moved(true);
}

void inbox::save_if_moved(bool sync) {
  const std::uint64_t position = delivered();
  if (saving_ || (position == saved_ && !sync)) return;
  const time_point now = env_.time.now();
  const bool due = sync || now - synced_at_ >= limits::cursor_sync_interval;
  if (due) synced_at_ = now;
  saving_ = true;
  store_->save_cursor(
      {queue_id_, position}, due,
      [this, position, epoch = epoch_, alive = std::weak_ptr(alive_)](const result<void>& written) {
        if (alive.expired()) return;
        saving_ = false;
        if (!written) {
          env_.log.write(log_level::error, "cursor_not_saved", settings_.name,
                         written.error().text + "; a crash now repeats messages");
        }
        if (epoch == epoch_) {
          saved_ = position;
          progress_(position);
        }
        save_if_moved(false);
        settle();
      });
}

}  // namespace linkd::link

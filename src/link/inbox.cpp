#include "link/inbox.hpp"

#include <algorithm>

#include "link/crash_guard.hpp"
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
}

inbox::~inbox() {
  target_.forget(*this);
}

std::uint64_t inbox::delivered() const {
  return outstanding_.first().value_or(received_);
}

void inbox::use_queue(std::uint64_t queue_id) {
  if (queue_id == queue_id_) return;
  queue_id_ = queue_id;
  ++epoch_;
  received_ = 0;
  saved_ = 0;
  from_former_ += outstanding_.count();
  outstanding_.clear();
}

void inbox::on_record(std::uint64_t offset, bytes_view record, std::uint64_t sent_at_ms,
                      time_point now) {
  if (offset < received_) return;  // taken over through an earlier session
  received_ = offset + 1;
  ++counters_.messages_received;
  if (is_poison(env_.crashes, queue_id_, offset)) {
    drop(drop_reason::rejected);
    dead_letter(letter_about_poison(env_.time.unix_time(), record));
    return;
  }
  const in_hand guard(env_.crashes, {queue_id_, offset, offset + 1});
  auto decoded = wire::decode_record(record);
  if (!decoded) {
    drop(drop_reason::damaged);
    return;
  }
  counters_.payload_bytes_in += decoded->content.payload.size();
  const auto captured_ms =
      static_cast<std::uint64_t>(decoded->captured_at.time_since_epoch().count());
  const std::uint64_t age_ms = sent_at_ms > captured_ms ? sent_at_ms - captured_ms : 0;
  if (const auto reason = refuse(*decoded, age_ms)) {
    drop(*reason);
    return;
  }
  if (settings_.retained == retained_policy::off) decoded->content.retain = false;
  outstanding_.insert(offset);
  target_.submit(*this, {epoch_, queue_id_, offset, std::move(decoded->content), now, age_ms});
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
}

void inbox::take_back() {
  if (const auto first = target_.take_back(*this, epoch_)) {
    received_ = *first;
    outstanding_.erase_from(*first);
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
  if (which.epoch == epoch_) {
    outstanding_.erase(which.offset);
  } else {
    --from_former_;
  }
}

void inbox::dead_letter(const queue::dead_letters::letter& what) {
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
  store_->save_dead_letter(what);
}

void inbox::log_saving(const result<void>& written) {
  if (written.has_value() == !save_fails_) return;
  save_fails_ = !written;
  if (save_fails_) {
    env_.log.write(log_level::error, "cursor_not_saved", settings_.name,
                   written.error().text + "; a crash now repeats messages");
  } else {
    env_.log.write(log_level::info, "cursor_saved", settings_.name, "the cursor is on disk again");
  }
}

void inbox::settle() {
  if (moved()) save(false);
}

void inbox::save(bool sync) {
  if (saving_ || from_former_ > 0) return;
  const std::uint64_t position = delivered();
  const time_point now = env_.time.now();
  const bool due = sync || now - synced_at_ >= limits::cursor_sync_interval;
  if (due) synced_at_ = now;
  saving_ = true;
  store_->save_cursor(
      {queue_id_, position}, due,
      [this, position, epoch = epoch_, alive = std::weak_ptr(alive_)](const result<void>& written) {
        if (alive.expired()) return;
        saving_ = false;
        log_saving(written);
        if (epoch == epoch_) {
          saved_ = position;
          progress_(position);
        }
        settle();
      });
}

}  // namespace linkd::link

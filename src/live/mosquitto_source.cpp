#include "live/mosquitto_source.hpp"

#include <charconv>

#include "base/coding.hpp"
#include "mqtt_linkd/limits.hpp"

namespace linkd::live {
namespace {

constexpr std::string_view uptime_topic = "$SYS/broker/uptime";
constexpr std::string_view count_topic = "$SYS/broker/subscriptions/count";
constexpr std::string_view shared_count_topic = "$SYS/broker/shared_subscriptions/count";
constexpr const char* followed_filters[] = {
    "$SYS/broker/log/N", "$SYS/broker/log/M/+", "$SYS/broker/subscriptions/count",
    "$SYS/broker/shared_subscriptions/count", "$SYS/broker/uptime"};

constexpr seconds session_expiry{60};  // log messages live for 20 s
constexpr seconds tick_interval{2};
constexpr seconds patience{15};  // for a line about ourselves, and for the uptime
constexpr std::size_t waiting_messages_max = 100'000;

// "4711" or "123 seconds"
std::optional<std::uint64_t> leading_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{}) return std::nullopt;
  return value;
}

}  // namespace

mosquitto_source::mosquitto_source(boost::asio::io_context& io, const daemon_settings& settings,
                                   clock& time, random_source& random, storage& disk,
                                   worker& background, logger& log)
    : time_(time),
      log_(log),
      our_client_id_(settings.broker.client_id),
      user_(settings.broker.login.username.empty() ? settings.broker.client_id
                                                   : settings.broker.login.username),
      tracker_(our_client_id_, settings.control_prefix, settings.interest.trust_count),
      journal_(disk, background, "live.journal"),
      follower_(io, settings.broker, session_expiry,
                {std::begin(followed_filters), std::end(followed_filters)}, random, *this),
      timer_(io) {}

void mosquitto_source::start(subscription_events& events) {
  events_ = &events;
  recover();
  follower_.start();
  tick();
}

void mosquitto_source::stop() {
  timer_.cancel();
  follower_.stop();
  if (following_ && !verifying_) journal_.mark_alive(time_.unix_time());
  events_ = nullptr;
}

// --- state
// --------------------------------------------------------------------------------------------

void mosquitto_source::recover() {
  const auto saved = journal_.load();
  if (!saved) {
    if (saved.error().code != errc::not_found) {
      log_.write(log_level::warning, "interest_state_damaged", "", saved.error().text);
    }
    return;
  }
  const auto away = time_.unix_time() - saved->last_alive;
  if (away < milliseconds(0)) return;  // the clock was set back: nobody knows how long it was
  if (!restore(saved->snapshot)) return;
  for (const auto& each : saved->messages) apply(each);
  away_since_ = time_.now() - away;
}

bytes mosquitto_source::snapshot() const {
  bytes out;
  put_le<std::uint64_t>(out, uptime_s_.value_or(0));
  return out + tracker_.save();
}

bool mosquitto_source::restore(bytes_view saved) {
  uptime_s_ = take_le<std::uint64_t>(saved);
  return uptime_s_ && tracker_.restore(saved);
}

// Told to the broker only when it is written.
void mosquitto_source::store(std::vector<mqtt::received_message> batch) {
  const auto done = [this, alive = std::weak_ptr(alive_)](const result<void>& outcome) {
    if (alive.lock()) stored(outcome);
  };
  if (verifying_) {
    follower_.release();
  } else if (!journaled_ || journal_.is_long()) {
    journaled_ = true;
    journal_.rewrite(snapshot(), time_.unix_time(), done);
  } else {
    journal_.append(batch, time_.unix_time(), done);
  }
}

void mosquitto_source::stored(const result<void>& outcome) {
  if (!outcome && outcome.error().code != errc::unavailable) {
    log_.write(log_level::warning, "interest_state_not_saved", "",
               outcome.error().text + ": after a restart the interest is static for a while");
  }
  follower_.release();
}

// --- following
// ----------------------------------------------------------------------------------------

void mosquitto_source::on_following(bool session_present) {
  following_ = true;
  log_seen_ = false;
  connected_at_ = time_.now();
  waiting_.clear();
  tracker_.on_connection();
  journal_.remove();
  journaled_ = false;
  const bool resumed = session_present && away_since_ &&
                       connected_at_ - *away_since_ < limits::subscription_view_age_max;
  if (resumed && uptime_s_) {
    verifying_ = true;
    return;
  }
  verifying_ = false;
  gap(away_since_ ? "log messages were missed while we were away"
                  : "waiting for the broker's count of subscriptions");
}

void mosquitto_source::on_followed(mqtt::received_message message) {
  batch_.push_back(std::move(message));
}

void mosquitto_source::on_followed_batch() {
  auto batch = std::exchange(batch_, {});
  for (const auto& each : batch) {
    if (each.what.topic == uptime_topic && verifying_) {
      if (const auto uptime_s = leading_number(each.what.payload)) verify(*uptime_s);
    }
    if (!verifying_) {
      apply(each);
    } else if (waiting_.size() < waiting_messages_max) {
      waiting_.push_back(each);
    } else {
      verifying_ = false;
      gap("more log messages than we keep");
    }
  }
  store(std::move(batch));
  tell();
}

// A broker that restarted while we were away has not been up for longer than that, and for less
// long than it was before.
void mosquitto_source::verify(std::uint64_t uptime_s) {
  const auto away = std::chrono::duration_cast<seconds>(connected_at_ - *away_since_) + seconds(1);
  const bool same = uptime_s >= *uptime_s_ && uptime_s > static_cast<std::uint64_t>(away.count());
  verifying_ = false;
  away_since_.reset();
  if (!same) gap("the broker was restarted");
  for (const auto& each : std::exchange(waiting_, {})) apply(each);
}

void mosquitto_source::apply(const mqtt::received_message& message) {
  const auto& [topic, payload, qos, retain, properties] = message.what;
  if (const auto kind = log_kind_of(topic)) {
    if (payload.find(our_client_id_ + ":live") != std::string::npos) log_seen_ = true;
    return tracker_.apply(parse_log_line(*kind, payload));
  }
  const auto value = leading_number(payload);
  if (!value) return;
  if (topic == uptime_topic) {
    uptime_s_ = value;
    if (!retain) tracker_.on_tick();
  } else if (topic == count_topic || topic == shared_count_topic) {
    const auto kind = topic == count_topic ? session_tracker::plain : session_tracker::shared;
    if (retain) {
      tracker_.on_old_count(kind, *value);
    } else {
      tracker_.on_count(kind, *value);
    }
  }
}

void mosquitto_source::gap(const std::string& why) {
  away_since_.reset();
  tracker_.on_gap(why);
  journaled_ = false;
  tell();
}

void mosquitto_source::on_follow_refused(const std::string& filter, std::uint8_t) {
  gap("the broker does not let us subscribe to " + filter + ": allow " + user_ +
      " to read $SYS/broker/#");
}

void mosquitto_source::on_follow_lost(const mqtt::end_of_connection& end) {
  batch_.clear();
  waiting_.clear();
  if (following_) {
    away_since_ = time_.now();
    if (verifying_ || end.kind == mqtt::end_kind::timed_out) away_since_.reset();
  }
  following_ = verifying_ = false;
  if (!told_complete_) tell_unknown(end.reason.text);
}

void mosquitto_source::tick() {
  timer_.expires_after(tick_interval);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code cancelled) {
    if (!cancelled && alive.lock() && events_) tick();
  });
  const time_point now = time_.now();
  if (!following_) {
    const bool too_long = !away_since_ || now - *away_since_ > limits::subscription_view_age_max;
    if (told_complete_ && too_long) tell_unknown("not connected to the local broker");
    return;
  }
  if (!verifying_) journal_.mark_alive(time_.unix_time());
  if (now - connected_at_ < patience) return;
  if (!log_seen_ && !verifying_) {
    gap("the broker does not publish its log: include mosquitto-linkd.conf in mosquitto.conf");
  } else if (verifying_) {
    verifying_ = false;
    gap("the broker does not publish $SYS/broker/uptime: set sys_interval in mosquitto.conf, and "
        "allow " +
        user_ + " to read $SYS/broker/#");
  }
}

// --- telling
// ------------------------------------------------------------------------------------------

void mosquitto_source::tell() {
  if (!events_ || verifying_) return;
  if (!tracker_.complete()) return tell_unknown(tracker_.reason());
  const auto difference = tracker_.take_difference();
  if (!told_complete_) {
    told_complete_ = true;
    told_note_.clear();
    events_->on_subscriptions(tracker_.filters());
  } else if (!difference.added.empty() || !difference.removed.empty()) {
    events_->on_subscriptions_changed(difference.added, difference.removed);
  }
  tell_note();
}

void mosquitto_source::tell_note() {
  std::string note;
  if (const auto doubtful = tracker_.doubtful(); doubtful > 0) {
    note = std::to_string(doubtful) +
           " subscriptions of ended connections are asked for as long as the session may be kept";
  }
  if (note != told_note_) events_->on_subscriptions_note(told_note_ = note);
}

void mosquitto_source::tell_unknown(const std::string& reason) {
  static_cast<void>(tracker_.take_difference());
  if (!events_ || (!told_complete_ && reason == told_reason_)) return;
  told_complete_ = false;
  told_reason_ = reason;
  events_->on_subscriptions_unknown(reason);
}

}  // namespace linkd::live

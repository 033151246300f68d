#include "broker/mqtt_broker.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "broker/advice.hpp"
#include "mqtt/make_client.hpp"
#include "mqtt_linkd/limits.hpp"
#include "mqtt_linkd/mqtt_reason.hpp"
#include "topic/topic.hpp"

namespace linkd::broker_adapter {

namespace {

constexpr seconds stable_after{10};  // a connection that lasted this long resets the backoff
constexpr seconds short_life{5};
constexpr seconds left_out_log_interval{10};
constexpr std::uint32_t mqtt_packet_bytes_max = 268'435'460;  // MQTT 5, section 2.1.4

std::uint32_t packet_limit(std::size_t message_bytes_max) {
  return static_cast<std::uint32_t>(
      std::min<std::size_t>(message_bytes_max, mqtt_packet_bytes_max));
}

std::size_t size_of(const message& what) {
  return what.topic.size() + what.payload.size();
}

}  // namespace

mqtt_broker::mqtt_broker(boost::asio::io_context& io, const daemon_settings& settings,
                         session_memory& memory, bytes_view saved, logger& log,
                         random_source& random)
    : io_(io),
      settings_(settings.broker),
      profile_(find_profile(settings.broker.profile)),
      control_prefix_(settings.control_prefix + "/"),
      echo_topic_(control_prefix_ + settings.deployment + "/echo"),
      memory_(memory),
      log_(log),
      random_(random),
      delay_(limits::reconnect_delay_min, limits::reconnect_delay_max),
      reconnect_timer_(io),
      watch_timer_(io),
      takeovers_(short_life),
      subscriptions_(saved, echo_topic_),
      guard_(!profile_ || profile_->one_queue) {}

mqtt_broker::~mqtt_broker() = default;

// --- coming and going ----------------------------------------------------------------------------

void mqtt_broker::start(broker_events& events) {
  events_ = &events;
  delay_.reset();
  connect();
}

void mqtt_broker::connect() {
  mqtt5_ = settings_.protocol != mqtt_protocol::v311 && !fallback_;
  mqtt::client_settings to;
  to.server = settings_.server;
  to.login = settings_.login;
  to.tls = settings_.tls;
  to.client_id = settings_.client_id;
  to.mqtt5 = mqtt5_;
  to.clean_start = false;
  to.keepalive = settings_.keepalive;
  to.session_expiry = settings_.session_expiry;
  to.receive_maximum = settings_.receive_maximum;
  to.packet_bytes_max = packet_limit(settings_.message_bytes_max);
  state_ = state::connecting;
  client_ = mqtt::make_client(settings_.client, io_, std::move(to));
  client_->start(*this);
}

void mqtt_broker::on_connected(const mqtt::connack& granted) {
  state_ = state::connected;
  connected_at_ = subscribe_progress_ = publish_progress_ = clock::now();
  echoes_ = !mqtt5_;
  const bool lost_session = !granted.session_present && subscriptions_.any_granted();
  // What the library would hold back for the broker's Receive Maximum, QoS 0 would overtake.
  const std::size_t window =
      std::min<std::size_t>(limits::publishes_inflight_max, granted.receive_maximum);
  session_ = {mqtt5_, !lost_session, window, weaker(granted)};
  if (!granted.session_present) guard_.clear();
  const bool identifiers = mqtt5_ && granted.subscription_ids_available;
  subscriptions_.connected(granted.session_present, identifiers ? capture_mode::by_identifier
                                                    : echoes_   ? capture_mode::by_cover_with_echo
                                                                : capture_mode::by_cover);
  barrier_proven_ = false;
  barrier_wanted_ = false;
  watch();
  if (guard_.empty()) {
    go_up();
  } else {
    barrier_wanted_ = true;
    barrier_at_ = clock::now();
  }
  if (is_connected()) subscribe_more();
}

// What the broker cannot do, as far as this connection or its profile tells.
std::vector<std::string> mqtt_broker::weaker(const mqtt::connack& granted) const {
  std::vector<std::string> words;
  if (mqtt5_) {
    words = broker_adapter::weaker(granted, settings_);
  } else {
    words.emplace_back(
        "MQTT 3.1.1 hides the retain flag of live messages, has no properties and "
        "does not tell what is refused");
  }
  if (profile_) words.insert(words.end(), profile_->weaker.begin(), profile_->weaker.end());
  if (!profile_ && fallback_ && closed_on_mqtt5_) {
    words.emplace_back(
        "it closed on MQTT 5 without an answer, as RabbitMQ and ActiveMQ do, which change topics "
        "with . * or , without a word: if it is one of them, set broker.profile");
  }
  return words;
}

void mqtt_broker::go_up() {
  state_ = state::up;
  events_->on_broker_up(session_);
}

void mqtt_broker::on_closed(const mqtt::end_of_connection& end) {
  if (fall_back(end)) return;
  lost({end.reason.code, explain(end, settings_)}, end.kind == mqtt::end_kind::by_peer);
}

bool mqtt_broker::fall_back(const mqtt::end_of_connection& end) {
  const bool refused =
      end.kind == mqtt::end_kind::refused && end.reason_code == mqtt_reason::unsupported_version;
  if (settings_.protocol != mqtt_protocol::automatic || fallback_ ||
      (!refused && end.kind != mqtt::end_kind::no_connack)) {
    return false;
  }
  log_.write(log_level::info, "broker_fallback", "",
             "the local broker may not speak MQTT 5, trying MQTT 3.1.1: " + end.reason.text);
  fallback_ = true;
  closed_on_mqtt5_ = !refused;
  connect();
  return true;
}

// The connection or the attempt is over; the next one follows.
void mqtt_broker::lost(error reason, bool by_peer) {
  reason.text += duplicate_client_id(by_peer);
  drops_.connection_lost(by_peer);
  halt();
  reconnect_later();
  events_->on_broker_down(reason, by_peer);
}

// Two clients with one id throw each other out for ever, and most brokers just close. While that is
// suspected the delays grow and stay long, however long a connection lasts in between.
std::string mqtt_broker::duplicate_client_id(bool by_peer) {
  if (!is_connected()) return {};
  const auto lived = std::chrono::floor<microseconds>(clock::now() - connected_at_);
  if (lived >= (takeovers_.suspected() ? takeover_watch::fight_over_after : stable_after)) {
    delay_.reset();
  }
  takeovers_.on_end(lived, by_peer);
  if (!takeovers_.suspected()) return {};
  return "; duplicate_client_id: this happens again and again, perhaps another client uses the "
         "client id " +
         settings_.client_id +
         ", or a second daemon runs for this deployment; attempts become rare until it stops";
}

void mqtt_broker::reconnect_later() {
  state_ = state::waiting;
  fallback_ = false;
  reconnect_timer_.expires_after(delay_.next(random_));
  reconnect_timer_.async_wait(
      [this, alive = std::weak_ptr(alive_)](boost::system::error_code cancelled) {
        if (!cancelled && alive.lock() && state_ == state::waiting) connect();
      });
}

void mqtt_broker::stop() {
  if (client_) client_->disconnect();
  halt();
  fallback_ = false;
}

// Everything that belongs to one connection ends; the socket closes without a further byte.
void mqtt_broker::halt() {
  state_ = state::stopped;
  client_.reset();
  reconnect_timer_.cancel();
  watch_timer_.cancel();
  publications_.clear();
  outcomes_.clear();
  waiting_.clear();
  subscribing_.clear();
  batch_.clear();
  guard_.connection_lost();
  drops_.connection_lost(false);
}

// --- capture -------------------------------------------------------------------------------------

void mqtt_broker::on_message(mqtt::received_message in) {
  message& what = in.what;
  if (is_status(in)) return;
  if (what.topic.starts_with(control_prefix_)) {
    if (!echoes_ || what.topic != echo_topic_ || !guard_.end_barrier(what.payload)) return;
    barrier_proven_ = true;
    barrier_wanted_ = false;
    if (state_ == state::connected) go_up();
    if (state_ == state::up) publish_waiting();
    return;
  }
  if (!mqtt5_) {
    if (what.retain) return;  // only what was stored before we subscribed comes with the flag
    if (guard_.swallow(what)) return;
    if (size_of(what) > settings_.message_bytes_max) {
      ++oversize_total_;
      return leave_out(what.topic, "it is larger than broker.max_message");
    }
  }
  if (!subscriptions_.accept(what.topic, in.subscription_ids)) return;
  if (const auto name = topic::check_name(what.topic); !name) {
    return leave_out(what.topic, "its topic " + name.error().text);
  }
  what.qos = std::min<std::uint8_t>(what.qos, 1);
  batch_.push_back(std::move(what));
}

// It is acknowledged like the others, or it would come again and again.
void mqtt_broker::leave_out(const std::string& topic, const std::string& why) {
  ++left_out_unsaid_;
  if (clock::now() < next_left_out_log_) return;
  next_left_out_log_ = clock::now() + left_out_log_interval;
  log_.write(log_level::warning, "not_captured", "",
             "a message on " + topic + " goes over no link: " + why + "; " +
                 std::to_string(std::exchange(left_out_unsaid_, 0) - 1) +
                 " others since the last such line");
}

void mqtt_broker::on_batch_told() {
  if (!outcomes_.empty()) events_->on_published(std::exchange(outcomes_, {}));
  if (batch_.empty()) return guard_.released();
  client_->hold();
  ++uncommitted_;
  events_->on_captured(std::exchange(batch_, {}));
}

void mqtt_broker::commit_done(bool stored) {
  if (uncommitted_ > 0) --uncommitted_;
  if (!stored) return halt();
  // Answers come in order: while one is due, the batch that is held now is not the one answered.
  if (uncommitted_ > 0 || !is_connected()) return;
  guard_.released();
  publish_progress_ = clock::now();
  client_->release();
}

// --- publishing ----------------------------------------------------------------------------------

result<void> mqtt_broker::publish(publication_id id, const message& what) {
  if (state_ != state::up) return error{errc::unavailable, "the local broker is not connected"};
  if (const profile* known = profile_ ? profile_ : recognized_) {
    if (auto why = unfit(*known, what.topic)) return error{errc::invalid, std::move(*why)};
  }
  if (waiting_.empty() && !must_wait(what)) return publish_now(id, what);
  if (waiting_.size() >= limits::publishes_inflight_max) {
    return error{errc::unavailable, "too many publishes wait for the local broker"};
  }
  waiting_.push_back({id, what});
  if (!barrier_proven_ && !barrier_wanted_) {
    barrier_wanted_ = true;
    barrier_at_ = clock::now();
    send_barrier();
  }
  return {};
}

bool mqtt_broker::must_wait(const message& what) const {
  if (!echoes_) return false;
  if (!subscriptions_.settled() || guard_.full()) return true;
  return !barrier_proven_ && subscriptions_.captures(what.topic);
}

result<void> mqtt_broker::publish_now(publication_id id, const message& what) {
  auto sent = client_->publish(what);
  if (!sent) return sent.error();
  if (publications_.empty()) publish_progress_ = clock::now();
  publications_[*sent] = id;
  if (echoes_ && subscriptions_.captures(what.topic)) {
    guard_.published(what);
    if (!guard_.barrier_outstanding() && guard_.barrier_due()) send_barrier();
  }
  return {};
}

void mqtt_broker::publish_waiting() {
  while (state_ == state::up && !waiting_.empty() && !must_wait(waiting_.front().what)) {
    const waiting_publish next = std::move(waiting_.front());
    waiting_.pop_front();
    if (const auto sent = publish_now(next.id, next.what); !sent) {
      // What publish() would have answered, told as the broker would tell it.
      const bool too_large = sent.error().code == errc::too_large;
      events_->on_published(
          {{next.id, too_large ? mqtt_reason::packet_too_large : mqtt_reason::topic_name_invalid}});
    }
  }
}

void mqtt_broker::on_published(mqtt::packet_id id, std::uint8_t reason_code) {
  publish_progress_ = clock::now();
  const auto found = publications_.find(id);
  if (found == publications_.end()) return;  // a barrier
  const publication_id ours = found->second;
  publications_.erase(found);
  if (reason_code >= mqtt_reason::first_failure) {
    // mosquitto 2.0 closes the connection after each refusal: that is no reason to wait longer for
    // the next one, nor a sign of another client with our id.
    delay_.reset();
    takeovers_.reset();
  }
  outcomes_.push_back({ours, reason_code});
}

void mqtt_broker::send_barrier() {
  if (!subscriptions_.settled()) return;  // when_settled() comes back here
  barrier_at_ = clock::now();
  message barrier;
  barrier.topic = echo_topic_;
  barrier.payload = guard_.begin_barrier(random_.next());
  barrier.qos = 1;
  // If it cannot be sent it does not come back, and the deadline says so.
  static_cast<void>(client_->publish(barrier));
}

}  // namespace linkd::broker_adapter

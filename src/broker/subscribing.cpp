// The part of mqtt_broker that keeps the subscriptions and watches the deadlines.
#include <boost/asio/post.hpp>
#include <utility>

#include "broker/mqtt_broker.hpp"
#include "mqtt_linkd/limits.hpp"
#include "mqtt_linkd/mqtt_reason.hpp"

namespace linkd::broker_adapter {

namespace {

constexpr std::size_t subscribes_inflight_max = 32;

// Mosquitto says there what it is (mosquitto(8), "Broker Status").
constexpr std::string_view version_topic = "$SYS/broker/version";

constexpr seconds watch_interval{1};
constexpr seconds subscribe_timeout{30};
constexpr seconds barrier_timeout{10};
constexpr seconds barrier_after{1};  // an echo that does not come is not waited for longer
constexpr seconds publish_timeout_extra{30};

}  // namespace

void mqtt_broker::capture(std::vector<std::string> filters) {
  subscriptions_.want(std::move(filters));
  if (is_connected()) post_subscribe_more();
}

// Not from inside a call: a filter the library refuses is told as an event.
void mqtt_broker::post_subscribe_more() {
  boost::asio::post(io_, [this, alive = std::weak_ptr(alive_)] {
    if (alive.lock() && is_connected()) subscribe_more();
  });
}

void mqtt_broker::subscribe_more() {
  save_subscriptions();
  while (is_connected() && subscribing_.size() < subscribes_inflight_max) {
    const auto packet = subscriptions_.next();
    if (!packet) break;
    if (subscribing_.empty()) subscribe_progress_ = clock::now();
    if (!send(*packet)) {
      if (packet->what == subscriptions::packet::kind::unsubscribe) {
        subscriptions_.unsubscribed(*packet);
      } else {
        const std::vector<std::uint8_t> codes(packet->ids.size(),
                                              mqtt_reason::topic_filter_invalid);
        report(subscriptions_.subscribed(*packet, codes));
      }
    }
  }
  if (is_connected()) when_settled();
}

bool mqtt_broker::send(const subscriptions::packet& packet) {
  // No copy of what we publish, no stored messages, and the flag of live ones.
  const mqtt::subscribe_options options{1, true, true, 2};
  const bool by_identifier = subscriptions_.mode() == capture_mode::by_identifier;
  const auto sent =
      packet.what == subscriptions::packet::kind::unsubscribe
          ? client_->unsubscribe(packet.filters)
          : client_->subscribe(packet.filters, options,
                               by_identifier ? std::optional(packet.ids.front()) : std::nullopt);
  if (sent) subscribing_[*sent] = packet;
  return sent.has_value();
}

// One save at a time; whoever is done with one looks for the next.
void mqtt_broker::save_subscriptions() {
  if (saving_) return;
  auto what = subscriptions_.save();
  if (!what) return;
  saving_ = true;
  memory_.save(std::move(*what), [this, alive = std::weak_ptr(alive_)] {
    if (!alive.lock()) return;
    saving_ = false;
    subscriptions_.saved();
    if (is_connected()) post_subscribe_more();
  });
}

void mqtt_broker::on_subscribed(mqtt::packet_id id, const std::vector<std::uint8_t>& codes) {
  drops_.answered(id);
  const auto found = subscribing_.find(id);
  if (found == subscribing_.end()) return;
  const subscriptions::packet packet = std::move(found->second);
  subscribing_.erase(found);
  subscribe_progress_ = clock::now();
  report(subscriptions_.subscribed(packet, codes));
  if (is_connected()) subscribe_more();
}

void mqtt_broker::on_unsubscribed(mqtt::packet_id id) {
  const auto found = subscribing_.find(id);
  if (found == subscribing_.end()) return;
  subscriptions_.unsubscribed(found->second);
  subscribing_.erase(found);
  subscribe_progress_ = clock::now();
  subscribe_more();
}

void mqtt_broker::report(const std::vector<subscriptions::outcome>& outcomes) {
  for (const auto& [filter, code] : outcomes) {
    if (!is_connected()) return;  // stopped in an event
    if (code >= mqtt_reason::first_failure) {
      events_->on_capture_refused(filter, code);
    } else {
      log_.write(log_level::warning, "capture_qos0", "",
                 "the local broker grants QoS 0 only for " + filter + ": what it loses is lost");
    }
  }
}

void mqtt_broker::when_settled() {
  if (!subscriptions_.settled()) return;
  if (barrier_wanted_ && !guard_.barrier_outstanding()) send_barrier();
  publish_waiting();
  if (is_connected()) watch_status();
}

// At QoS 0, so that nothing is kept for us while we are away; with the value as it is now.
void mqtt_broker::watch_status() {
  if (!drops_.wants_subscription()) return;
  const auto sent = client_->subscribe({std::string(drop_watch::topic), std::string(version_topic)},
                                       {0, false, false, 0});
  if (sent) drops_.subscribing(*sent);
}

bool mqtt_broker::is_status(const mqtt::received_message& in) {
  if (!in.subscription_ids.empty()) return false;
  if (in.what.topic == version_topic) {
    recognize(in.what.payload);
    return true;
  }
  if (in.what.topic != drop_watch::topic) return false;
  const auto since_start = std::chrono::floor<microseconds>(clock::now().time_since_epoch());
  if (const auto warning = drops_.on_value(in.what.payload, time_point(since_start)))
    log_.write(log_level::warning, "broker_drops", "", *warning);
  return true;
}

// What its make does not carry becomes a dead letter from here on.
void mqtt_broker::recognize(std::string_view version) {
  if (profile_ || recognized_ || !version.starts_with("mosquitto version")) return;
  recognized_ = find_profile(broker_profile::mosquitto);
  std::string text = "the local broker says it is " + std::string(version);
  for (const std::string_view each : recognized_->weaker) text += "; " + std::string(each);
  log_.write(log_level::info, "broker_profile", "", text);
}

void mqtt_broker::watch() {
  watch_timer_.expires_after(watch_interval);
  watch_timer_.async_wait(
      [this, alive = std::weak_ptr(alive_)](boost::system::error_code cancelled) {
        if (cancelled || !alive.lock() || !is_connected()) return;
        watch();
        forget_withdrawn();
        check_deadlines();
      });
}

void mqtt_broker::forget_withdrawn() {
  const auto now = clock::now();
  if (now - withdrawn_forgotten_at_ < limits::withdrawn_interval) return;
  withdrawn_forgotten_at_ = now;
  subscriptions_.forget_withdrawn();
}

void mqtt_broker::check_deadlines() {
  const auto now = clock::now();
  if (uncommitted_ > 0) {  // nothing is read meanwhile: no answer can be late
    publish_progress_ = subscribe_progress_ = barrier_at_ = now;
    return;
  }
  if (!subscriptions_.settled()) barrier_at_ = now;  // it follows the subscriptions
  if (!subscribing_.empty() && now - subscribe_progress_ > subscribe_timeout) {
    return lost({errc::io, "the local broker does not answer a SUBSCRIBE"}, false);
  }
  // Longer than a silent broker survives the keepalive: this one answers, but not to a publish.
  if (!publications_.empty() &&
      now - publish_progress_ > 2 * settings_.keepalive + publish_timeout_extra) {
    return lost({errc::io, "the local broker does not acknowledge a publish"}, true);
  }
  if ((barrier_wanted_ || guard_.barrier_outstanding()) && now - barrier_at_ > barrier_timeout) {
    return lost({errc::refused,
                 "a message published to " + echo_topic_ +
                     " does not come back; with MQTT 3.1.1 this is how our own publishes are told "
                     "from others: allow " +
                     settings_.client_id +
                     " to write and read that topic, set control_prefix to one the broker carries "
                     "(not beginning with $), or let no link's topics overlap what peers want"},
                false);
  }
  if (!guard_.empty() && !guard_.barrier_outstanding() && now - barrier_at_ >= barrier_after) {
    send_barrier();
  }
}

}  // namespace linkd::broker_adapter

#include "live/follower.hpp"

#include <algorithm>

#include "mqtt/libmosquitto/client.hpp"

namespace linkd::live {
namespace {

// Soon: what a broker logs for us while we are away lives for 20 s.
constexpr milliseconds reconnect_delay_min{200};
constexpr milliseconds reconnect_delay_max{5'000};
constexpr seconds keepalive_max{5};

// Brokers without MQTT 5 refuse it in one of these ways.
bool is_about_version(const mqtt::end_of_connection& end) {
  if (end.kind == mqtt::end_kind::no_connack) return true;
  return end.kind == mqtt::end_kind::refused && (end.reason_code == 0x84 || end.reason_code == 1);
}

}  // namespace

follower::follower(boost::asio::io_context& io, const broker_settings& broker,
                   seconds session_expiry, std::vector<std::string> filters, random_source& random,
                   follower_events& events)
    : io_(io),
      broker_(broker),
      session_expiry_(session_expiry),
      filters_(std::move(filters)),
      random_(random),
      events_(events),
      mqtt5_(broker.protocol != mqtt_protocol::v311),
      delay_(reconnect_delay_min, reconnect_delay_max),
      timer_(io) {}

follower::~follower() = default;

void follower::start() {
  connect();
}

void follower::stop() {
  timer_.cancel();
  if (client_) client_->disconnect();
  client_.reset();
}

void follower::release() {
  if (client_) client_->release();
}

void follower::connect() {
  mqtt::client_settings to;
  to.server = broker_.server;
  to.login = broker_.login;
  to.tls = broker_.tls;
  to.client_id = broker_.client_id + ":live";
  to.mqtt5 = mqtt5_;
  to.clean_start = session_expiry_ == seconds(0);
  to.keepalive = std::min(broker_.keepalive, keepalive_max);
  to.session_expiry = session_expiry_;
  client_ = std::make_unique<mqtt::libmosquitto_client>(io_, std::move(to));
  client_->start(*this);
}

void follower::on_connected(const mqtt::connack& granted) {
  delay_.reset();
  // One by one: the answers and what is retained come in this order.
  subscribing_.clear();
  for (const std::string& filter : filters_) {
    const auto sent = client_->subscribe({filter}, mqtt::subscribe_options{1});
    if (sent) subscribing_[*sent] = filter;
  }
  events_.on_following(granted.session_present);
}

void follower::on_message(mqtt::received_message message) {
  events_.on_followed(std::move(message));
}

void follower::on_batch_told() {
  client_->hold();
  events_.on_followed_batch();
}

void follower::on_subscribed(mqtt::packet_id id, const std::vector<std::uint8_t>& codes) {
  const auto sent = subscribing_.extract(id);
  if (!sent) return;
  if (codes.front() >= 0x80) events_.on_follow_refused(sent.mapped(), codes.front());
  if (subscribing_.empty()) events_.on_follow_settled();
}

void follower::on_closed(const mqtt::end_of_connection& end) {
  client_.reset();
  if (broker_.protocol == mqtt_protocol::automatic && is_about_version(end)) mqtt5_ = !mqtt5_;
  timer_.expires_after(delay_.next(random_));
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code cancelled) {
    if (!cancelled && alive.lock()) connect();
  });
  events_.on_follow_lost(end);
}

}  // namespace linkd::live

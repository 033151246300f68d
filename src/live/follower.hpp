#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/backoff.hpp"
#include "mqtt/client.hpp"
#include "mqtt_linkd/ports/random.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::live {

// Called on the main thread, never from inside a call of `follower`.
class follower_events {
 public:
  virtual ~follower_events() = default;
  virtual void on_following(bool session_present) = 0;
  virtual void on_followed(mqtt::received_message message) = 0;
  // After the messages that came together; until release() nothing more comes, and nothing is
  // acknowledged.
  virtual void on_followed_batch() = 0;
  virtual void on_follow_refused(const std::string& filter, std::uint8_t reason_code) = 0;
  // Every filter is answered.
  virtual void on_follow_settled() {}
  // It connects again by itself.
  virtual void on_follow_lost(const mqtt::end_of_connection& end) = 0;
};

// One subscriber of ours at the local broker, `<client_id>:live`, that is always there: it connects
// again after every loss and subscribes on every connection, retained messages included.
class follower : private mqtt::client_events {
 public:
  // `session_expiry`: how long the broker keeps its session; 0: not at all.
  follower(boost::asio::io_context& io, const broker_settings& broker, seconds session_expiry,
           std::vector<std::string> filters, random_source& random, follower_events& events);
  ~follower() override;

  void start();
  void stop();
  void release();

 private:
  void on_connected(const mqtt::connack& granted) override;
  void on_message(mqtt::received_message message) override;
  void on_batch_told() override;
  void on_published(mqtt::packet_id, std::uint8_t) override {}
  void on_subscribed(mqtt::packet_id id, const std::vector<std::uint8_t>& codes) override;
  void on_closed(const mqtt::end_of_connection& end) override;
  void connect();

  boost::asio::io_context& io_;
  const broker_settings broker_;
  const seconds session_expiry_;
  const std::vector<std::string> filters_;
  random_source& random_;
  follower_events& events_;
  std::unique_ptr<mqtt::client> client_;
  std::unordered_map<mqtt::packet_id, std::string> subscribing_;
  bool mqtt5_;
  backoff delay_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace linkd::live

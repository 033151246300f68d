#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/backoff.hpp"
#include "base/takeover_watch.hpp"
#include "broker/drop_watch.hpp"
#include "broker/echo_guard.hpp"
#include "broker/profile.hpp"
#include "broker/subscriptions.hpp"
#include "mqtt/client.hpp"
#include "mqtt_linkd/ports/broker.hpp"
#include "mqtt_linkd/ports/log.hpp"
#include "mqtt_linkd/ports/random.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::broker_adapter {

// Keeps over restarts what our session at the broker may be subscribed to.
class session_memory {
 public:
  virtual ~session_memory() = default;
  // Replaces what is on disk, atomically, then calls `done` on the main thread (from inside this
  // call or later), also if it failed: subscribing goes on then, at the price of a filter that may
  // stay behind. The next call comes only after `done`.
  virtual void save(bytes what, std::function<void()> done) = 0;
};

// The local broker over MQTT: one client that subscribes and publishes, one connection at a time,
// a persistent session. MQTT 5 first; 3.1.1 if that is set, or, with `auto`, whenever the broker
// refuses MQTT 5 or closes before it has answered. on_broker_down() is told after every attempt
// that fails, too; on_captured() may come before on_broker_up() (a resumed session).
//
// With MQTT 3.1.1 a publish that comes back to us waits while the subscriptions change and for the
// echo guard's first barrier; a broker that does not let us have the barrier's topic
// (<control_prefix>/<deployment>/echo) is reported as down with that reason.
class mqtt_broker final : public linkd::broker, private mqtt::client_events {
 public:
  // `saved`: what `memory` was last told to save, or nothing. References must outlive the object;
  // `io` runs on one thread, which makes every call.
  mqtt_broker(boost::asio::io_context& io, const daemon_settings& settings, session_memory& memory,
              bytes_view saved, logger& log, random_source& random);
  ~mqtt_broker() override;

  void start(broker_events& events) override;
  void stop() override;
  void capture(std::vector<std::string> filters) override;
  result<void> publish(publication_id id, const message& what) override;
  void commit_done(bool stored) override;
  [[nodiscard]] std::uint64_t oversize_total() const override { return oversize_total_; }

 private:
  using clock = std::chrono::steady_clock;
  // `connected` is up but for the barrier that a resumed 3.1.1 session needs first.
  enum class state { stopped, waiting, connecting, connected, up };
  struct waiting_publish {
    publication_id id;
    message what;
  };

  void on_connected(const mqtt::connack& granted) override;
  void on_message(mqtt::received_message in) override;
  void on_batch_told() override;
  void on_published(mqtt::packet_id id, std::uint8_t reason_code) override;
  void on_subscribed(mqtt::packet_id id, const std::vector<std::uint8_t>& codes) override;
  void on_unsubscribed(mqtt::packet_id id) override;
  void on_closed(const mqtt::end_of_connection& end) override;

  void connect();
  void go_up();
  [[nodiscard]] std::vector<std::string> weaker(const mqtt::connack& granted) const;
  void halt();
  bool fall_back(const mqtt::end_of_connection& end);
  void lost(error reason, bool by_peer);
  void reconnect_later();
  [[nodiscard]] std::string duplicate_client_id(bool by_peer);
  [[nodiscard]] bool is_connected() const {
    return state_ == state::connected || state_ == state::up;
  }

  void leave_out(const std::string& topic, const std::string& why);

  void subscribe_more();
  void post_subscribe_more();
  void save_subscriptions();
  bool send(const subscriptions::packet& packet);
  void report(const std::vector<subscriptions::outcome>& outcomes);
  void when_settled();

  [[nodiscard]] bool must_wait(const message& what) const;
  result<void> publish_now(publication_id id, const message& what);
  void publish_waiting();
  void send_barrier();

  void watch();
  void forget_withdrawn();
  void check_deadlines();
  void watch_status();
  // A message of what the broker tells about itself.
  bool is_status(const mqtt::received_message& in);
  void recognize(std::string_view version);

  boost::asio::io_context& io_;
  const broker_settings settings_;
  const profile* const profile_;
  const profile* recognized_ = nullptr;  // where profile_ is none: by what the broker says
  const std::string control_prefix_;     // with the slash
  const std::string echo_topic_;
  session_memory& memory_;
  logger& log_;
  random_source& random_;
  broker_events* events_ = nullptr;

  state state_ = state::stopped;
  std::unique_ptr<mqtt::client> client_;
  bool mqtt5_ = true;             // of the present attempt or connection
  bool echoes_ = false;           // 3.1.1: what we publish may come back
  bool fallback_ = false;         // the present attempt is the second, with 3.1.1
  bool closed_on_mqtt5_ = false;  // and the first was closed without an answer
  broker_session session_;
  clock::time_point connected_at_;
  backoff delay_;
  boost::asio::steady_timer reconnect_timer_;
  boost::asio::steady_timer watch_timer_;
  takeover_watch takeovers_;

  subscriptions subscriptions_;
  std::unordered_map<mqtt::packet_id, subscriptions::packet> subscribing_;
  clock::time_point subscribe_progress_;
  clock::time_point withdrawn_forgotten_at_ = clock::now();
  drop_watch drops_;
  bool saving_ = false;

  std::vector<message> batch_;
  std::size_t uncommitted_ = 0;  // batches told and not answered
  std::uint64_t oversize_total_ = 0;
  std::uint64_t left_out_unsaid_ = 0;
  clock::time_point next_left_out_log_{};

  boost::unordered_flat_map<mqtt::packet_id, publication_id> publications_;
  std::vector<publish_outcome> outcomes_;  // of this turn
  clock::time_point publish_progress_;
  std::deque<waiting_publish> waiting_;  // bounded by publishes_inflight_max
  echo_guard guard_;
  bool barrier_wanted_ = false;
  bool barrier_proven_ = false;  // one came back on this connection
  clock::time_point barrier_at_;

  // Posted handlers and `memory_` hold it weakly: they may outlive this object.
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace linkd::broker_adapter

#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "live/follower.hpp"
#include "live/journal.hpp"
#include "live/session_tracker.hpp"
#include "mqtt_linkd/ports/clock.hpp"
#include "mqtt_linkd/ports/log.hpp"
#include "mqtt_linkd/ports/random.hpp"
#include "mqtt_linkd/ports/storage.hpp"
#include "mqtt_linkd/ports/subscription_source.hpp"
#include "mqtt_linkd/ports/worker.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::live {

// The `mosquitto` source: follows the broker's log topics through a persistent session
// (live/MOSQUITTO.md). What it knows is in a journal before the broker is told that we have it, so
// that neither a loss of the connection nor the end of this process makes a gap, unless it lasts
// longer than the broker keeps log messages.
class mosquitto_source final : public subscription_source, private follower_events {
 public:
  mosquitto_source(boost::asio::io_context& io, const daemon_settings& settings, clock& time,
                   random_source& random, storage& disk, worker& background, logger& log);

  void start(subscription_events& events) override;
  void stop() override;

 private:
  void on_following(bool session_present) override;
  void on_followed(mqtt::received_message message) override;
  void on_followed_batch() override;
  void on_follow_refused(const std::string& filter, std::uint8_t reason_code) override;
  void on_follow_lost(const mqtt::end_of_connection& end) override;

  void recover();
  [[nodiscard]] bytes snapshot() const;
  bool restore(bytes_view saved);

  void verify(std::uint64_t uptime_s);
  void apply(const mqtt::received_message& message);
  void gap(const std::string& why);
  void store(std::vector<mqtt::received_message> batch);
  void stored(const result<void>& outcome);
  void tell();
  void tell_note();
  void tell_unknown(const std::string& reason);
  void tick();

  clock& time_;
  logger& log_;
  const std::string our_client_id_;
  const std::string user_;  // for messages
  session_tracker tracker_;
  journal journal_;
  follower follower_;
  boost::asio::steady_timer timer_;
  subscription_events* events_ = nullptr;

  // The view is that of a broker we were connected to until this moment, while we are not.
  std::optional<time_point> away_since_;
  bool following_ = false;
  // Between a new connection and the proof that it is to the same run of the broker: lines wait.
  bool verifying_ = false;
  bool log_seen_ = false;   // on this connection
  bool journaled_ = false;  // the journal has a snapshot and goes on from there
  time_point connected_at_{};
  std::vector<mqtt::received_message> batch_, waiting_;
  std::optional<std::uint64_t> uptime_s_;

  bool told_complete_ = false;
  std::string told_reason_, told_note_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace linkd::live

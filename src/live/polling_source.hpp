#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/backoff.hpp"
#include "live/follower.hpp"
#include "live/http_client.hpp"
#include "live/management_api.hpp"
#include "mqtt_linkd/ports/clock.hpp"
#include "mqtt_linkd/ports/log.hpp"
#include "mqtt_linkd/ports/random.hpp"
#include "mqtt_linkd/ports/subscription_source.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::live {

// The `rabbitmq`, `emqx` and `nanomq` sources: asks the broker's API every `interest.poll`, and at
// once when an event of the broker tells that something changed (live/HTTP.md). A poll that takes
// long is not made more often than a tenth of the time; after a failure the pause grows. A view
// older than 15 s and three polls is none.
class polling_source final : public subscription_source, private follower_events {
 public:
  polling_source(boost::asio::io_context& io, const daemon_settings& settings, clock& time,
                 random_source& random, logger& log);

  void start(subscription_events& events) override;
  void stop() override;

 private:
  void on_following(bool) override {}
  void on_followed(mqtt::received_message) override { poll_soon(); }
  void on_followed_batch() override { follower_.release(); }
  void on_follow_refused(const std::string& filter, std::uint8_t reason_code) override;
  void on_follow_settled() override { poll_soon(); }  // what happened before is no event
  void on_follow_lost(const mqtt::end_of_connection&) override {}

  void poll();
  void ask();
  void on_answer(const result<http_answer>& answer);
  [[nodiscard]] result<management_api::page> read(const result<http_answer>& answer) const;
  void poll_at(time_point when);
  void poll_soon();
  [[nodiscard]] std::string add_dotted();
  void finish();
  void follow();
  void fail(const std::string& reason);

  clock& time_;
  random_source& random_;
  logger& log_;
  const interest_settings settings_;
  const std::string our_client_id_, control_prefix_;
  std::unique_ptr<management_api> api_;
  http_client http_;
  follower follower_;
  boost::asio::steady_timer timer_;
  backoff failure_delay_;
  subscription_events* events_ = nullptr;

  using filters = std::unordered_set<std::string>;
  bool polling_ = false;
  bool again_ = false;  // something changed during this poll
  time_point poll_began_{};
  std::size_t page_ = 0;
  std::size_t rows_ = 0;
  filters found_;    // by the poll under way
  filters missing_;  // in force but not found by the last poll
  filters in_force_;
  std::optional<time_point> complete_at_;  // none: no view told
  std::string told_reason_, told_note_;
  bool refusal_logged_ = false;
  bool limit_logged_ = false;  // of dotted readings, since it was last kept
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace linkd::live

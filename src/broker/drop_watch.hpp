#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mqtt_linkd/time.hpp"

namespace linkd::broker_adapter {

// Watches how many messages the local broker says it has dropped for its clients: what it drops of
// ours we never see, so nothing of ours can count it. Mosquitto and those that follow it publish
// the number under $SYS (mosquitto(8), "Broker Status"); where it cannot be read nothing is told.
class drop_watch {
 public:
  static constexpr std::string_view topic = "$SYS/broker/publish/messages/dropped";

  // Once a connection, but not any more once a broker has closed one instead of answering the
  // SUBSCRIBE, as some do to whom they refuse a topic.
  [[nodiscard]] bool wants_subscription() const { return !asked_ && !harmful_; }
  void subscribing(int packet_id);
  void answered(int packet_id);
  void connection_lost(bool by_peer);

  // A value arrived. A warning to log if the number has grown, at most once a minute.
  std::optional<std::string> on_value(std::string_view payload, time_point now);

 private:
  bool asked_ = false, harmful_ = false;
  std::optional<int> unanswered_;
  std::optional<std::uint64_t> told_;  // up to where it has been told; the first value is history
  time_point next_warning_{};
};

}  // namespace linkd::broker_adapter

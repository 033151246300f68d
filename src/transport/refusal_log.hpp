#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "mqtt_linkd/ports/log.hpp"

namespace linkd::transport {

// Tells the log what was not let in, a link at most once in `quiet`, and counts it. One thread.
class refusal_log {
 public:
  static constexpr std::chrono::seconds quiet{30};

  // Its lines are `event`, their texts begin with `what`. `log` must outlive this.
  refusal_log(logger& log, std::string event, std::string what)
      : log_(log), event_(std::move(event)), what_(std::move(what)) {}
  // `link`: a configured one, or empty for all strangers together (so that memory is bounded).
  void note(const std::string& link, std::string_view why);
  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  struct episode {
    std::chrono::steady_clock::time_point quiet_until;
    std::uint64_t untold = 0;
  };

  logger& log_;
  std::string event_, what_;
  std::map<std::string, episode> episodes_;
  std::uint64_t total_ = 0;
};

}  // namespace linkd::transport

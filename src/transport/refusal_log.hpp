#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "mqtt_linkd/ports/log.hpp"

namespace linkd::transport {

// Counts payloads that are no frames of a peer and tells the log, a link at most once in `quiet`.
// One thread.
class refusal_log {
 public:
  static constexpr std::chrono::seconds quiet{30};

  // `log` must outlive this.
  explicit refusal_log(logger& log) : log_(log) {}
  // `link`: a configured one, or empty for all strangers together (so that memory is bounded).
  void note(const std::string& link, std::string_view why);
  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  struct episode {
    std::chrono::steady_clock::time_point quiet_until;
    std::uint64_t untold = 0;
  };

  logger& log_;
  std::map<std::string, episode> episodes_;
  std::uint64_t total_ = 0;
};

}  // namespace linkd::transport

#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "mqtt_linkd/time.hpp"

namespace linkd::transport {

// How often one address may fail to prove who it is: `burst` times at once, then once in `refill`
// (a token bucket, kept as the time at which it is full again). Remembers a bounded number of
// addresses. One thread.
class failure_limit {
 public:
  static constexpr int burst = 10;
  static constexpr seconds refill{2};
  static constexpr std::size_t addresses_max = 4096;

  [[nodiscard]] bool allows(const std::string& address, time_point now) const;
  void on_failure(const std::string& address, time_point now);
  void on_success(const std::string& address) { full_again_.erase(address); }

 private:
  void forget_one(time_point now);

  std::map<std::string, time_point> full_again_;  // by address
};

}  // namespace linkd::transport

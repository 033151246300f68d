#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mqtt_linkd/time.hpp"

namespace linkd::platform {

// Tells the service manager how we are, as sd_notify(3) defines it, without libsystemd. Without
// $NOTIFY_SOCKET every call does nothing; a message that cannot be sent within a second is lost.
// One thread.
class service_manager {
 public:
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID from the environment.
  service_manager();
  ~service_manager();
  service_manager(const service_manager&) = delete;
  service_manager& operator=(const service_manager&) = delete;

  // Also ends a reload.
  void ready();
  void reloading();
  void stopping();
  // One line for people; control characters become spaces.
  void status(std::string_view text);
  // We are alive: call it at least every watchdog_interval().
  void watchdog();

  // Half of what the manager waits before it kills us; nothing if it does not watch this process.
  [[nodiscard]] std::optional<microseconds> watchdog_interval() const { return interval_; }

 private:
  void send(std::string_view message);

  std::string address_;  // a path, or an abstract name with its leading '@'; empty: none
  int socket_ = -1;
  std::optional<microseconds> interval_;
};

}  // namespace linkd::platform

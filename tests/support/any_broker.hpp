#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "mqtt_linkd/settings.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace linkd::test {

// What a broker can do, as far as a test must know before it has tried.
struct broker_traits {
  std::string name;
  bool mqtt5 = true;
  bool keeps_sessions = true;                // over a restart, with what waits for them
  bool retained_by_wildcard = true;          // `#` gets the stored messages
  bool keeps_order = true;                   // of what it sends again, before what is new
  std::string username = {}, password = {};  // empty: anonymous
};

// A real broker on a free loopback port, with a directory of its own; both end with the object. A
// derived class says how it is started and starts it. Throws std::runtime_error where it cannot do
// its work.
class any_broker {
 public:
  virtual ~any_broker() = default;
  any_broker(const any_broker&) = delete;
  any_broker& operator=(const any_broker&) = delete;

  // On the same port with the same directory; returns when it accepts connections.
  void start();
  void stop();  // SIGTERM
  void kill();  // SIGKILL
  // Silent, with its connections, until resume().
  void pause();
  void resume();

  [[nodiscard]] const broker_traits& traits() const { return traits_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] server_address address() const { return {scheme::mqtt, "127.0.0.1", port_}; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }
  // What the program wrote to its stdout and stderr.
  [[nodiscard]] std::string log() const;

 protected:
  explicit any_broker(broker_traits traits);

  // `output` is filled in by start().
  [[nodiscard]] virtual process_settings command() const = 0;
  // Whom signals go to, where that is not the program itself; 0: nobody runs.
  [[nodiscard]] virtual pid_t server_pid() const;
  [[nodiscard]] virtual bool ready() const;

 private:
  void end(int signal);
  void signal(int number) const;

  const broker_traits traits_;
  const temp_dir directory_;
  const std::uint16_t port_;
  std::optional<process> process_;
};

}  // namespace linkd::test

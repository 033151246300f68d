#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "mqtt_linkd/settings.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace linkd::test {

// A real mosquitto on a free loopback port, with a directory of its own; both end with the object.
// Needs the Debian package `mosquitto`. Throws std::runtime_error where it cannot do its work.
class mosquitto_broker {
 public:
  // `extra_config` is appended to: a listener on the port, anonymous access, no persistence. In it
  // "{dir}" stands for the directory and "{port}" for the port. Logs everything, unless it has
  // log_type lines. Started on return.
  explicit mosquitto_broker(const std::string& extra_config = "");

  // On the same port with the same directory; returns when it accepts connections.
  void start();
  void stop();  // SIGTERM
  void kill();  // SIGKILL
  // Silent, with its connections, until resume().
  void pause();
  void resume();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] server_address address() const { return {scheme::mqtt, "127.0.0.1", port_}; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }
  [[nodiscard]] std::string log() const;

 private:
  void end(int signal);

  temp_dir directory_;
  std::uint16_t port_;
  bool log_everything_;
  std::optional<process> process_;
};

}  // namespace linkd::test

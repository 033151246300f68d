#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace linkd::test {

// A real RabbitMQ with MQTT and management plugins and the event exchange, on free loopback ports,
// with a directory of its own. Takes about 10 s to start. User and password are guest.
class rabbitmq_broker {
 public:
  // The Debian package rabbitmq-server.
  static bool is_installed();
  rabbitmq_broker();  // throws std::runtime_error
  ~rabbitmq_broker();
  void stop();
  void start();  // again, with the same ports and data

  [[nodiscard]] std::uint16_t mqtt_port() const { return mqtt_port_; }
  [[nodiscard]] std::uint16_t api_port() const { return api_port_; }

 private:
  temp_dir directory_;
  std::uint16_t mqtt_port_, api_port_, epmd_port_, dist_port_;
  std::optional<process> epmd_, server_;
};

}  // namespace linkd::test

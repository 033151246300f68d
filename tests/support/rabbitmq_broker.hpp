#pragma once

#include <cstdint>

#include "tests/support/any_broker.hpp"
#include "tests/support/epmd.hpp"

namespace linkd::test {

// A real RabbitMQ 3.10 with MQTT and management plugins and the event exchange. Takes about 10 s to
// start. User and password are guest.
class rabbitmq_broker final : public any_broker {
 public:
  // The Debian package rabbitmq-server.
  static bool is_installed();
  rabbitmq_broker();
  ~rabbitmq_broker() override;

  [[nodiscard]] std::uint16_t api_port() const { return api_port_; }

 private:
  [[nodiscard]] process_settings command() const override;
  [[nodiscard]] pid_t server_pid() const override;
  [[nodiscard]] bool ready() const override;

  std::uint16_t api_port_, dist_port_;
  epmd epmd_;
};

}  // namespace linkd::test

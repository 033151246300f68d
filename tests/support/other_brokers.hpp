#pragma once

#include <memory>
#include <string>

#include "tests/support/any_broker.hpp"
#include "tests/support/epmd.hpp"

namespace linkd::test {

// ejabberd 23.01 with mod_mqtt: the Debian package ejabberd. It wants a user name, any will do.
class ejabberd_broker final : public any_broker {
 public:
  ejabberd_broker();

 private:
  [[nodiscard]] process_settings command() const override;

  std::uint16_t dist_port_;
  epmd epmd_;
};

// NATS 2.9 with JetStream: the Debian package nats-server.
class nats_broker final : public any_broker {
 public:
  nats_broker();

 private:
  [[nodiscard]] process_settings command() const override;
};

// ActiveMQ 5.17: the Debian packages activemq and libmqtt-client-java, without which it accepts
// connections and answers nothing.
class activemq_broker final : public any_broker {
 public:
  activemq_broker();

 private:
  [[nodiscard]] process_settings command() const override;
};

// aedes 1.2 with everything in memory: the npm package, in the build directory (scripts/interop).
class aedes_broker final : public any_broker {
 public:
  aedes_broker();

 private:
  [[nodiscard]] process_settings command() const override;
};

// By the name in its traits, started with its sample of etc/brokers. `extra_config` is for
// mosquitto.
std::unique_ptr<any_broker> make_broker(const std::string& name,
                                        const std::string& extra_config = "");

}  // namespace linkd::test

#pragma once

#include <string>

#include "tests/support/any_broker.hpp"

namespace linkd::test {

// Needs the Debian package `mosquitto`.
class mosquitto_broker final : public any_broker {
 public:
  // `extra_config` is appended to: a listener on the port, anonymous access, no persistence. In it
  // "{dir}" stands for the directory and "{port}" for the port. Logs everything, unless it has
  // log_type lines. Started on return.
  explicit mosquitto_broker(const std::string& extra_config = "");

 private:
  [[nodiscard]] process_settings command() const override;

  bool log_everything_;
};

}  // namespace linkd::test

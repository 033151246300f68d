#pragma once

#include <string>
#include <vector>

#include "mqtt_linkd/ports/clock.hpp"
#include "mqtt_linkd/ports/log.hpp"

namespace linkd::test {

struct manual_clock : clock {
  [[nodiscard]] time_point now() const override { return time; }
  [[nodiscard]] stamp unix_time() const override { return {}; }
  time_point time{seconds(1)};
};

struct recording_logger : logger {
  void write(log_level, std::string_view event, std::string_view, std::string_view text) override {
    lines.push_back(std::string(event) + " " + std::string(text));
  }
  std::vector<std::string> lines;
};

}  // namespace linkd::test

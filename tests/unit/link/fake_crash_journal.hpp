#pragma once

#include <optional>
#include <vector>

#include "mqtt_linkd/ports/crash_journal.hpp"

// Earlier crashes as a test wants them, and what is in hand now.
struct fake_crash_journal : linkd::crash_journal {
  void take(const linkd::queue_records& in_hand) override { held = in_hand; }
  void put_down() override { held.reset(); }
  [[nodiscard]] const std::vector<linkd::queue_records>& crashes() const override {
    return earlier;
  }

  std::optional<linkd::queue_records> held;
  std::vector<linkd::queue_records> earlier;
};

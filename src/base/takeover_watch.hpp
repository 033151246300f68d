#pragma once

#include "mqtt_linkd/limits.hpp"
#include "mqtt_linkd/time.hpp"

namespace linkd {

// Notices that somebody takes our place again and again, which most tell us only by ending what we
// have: several short lives in a row. Who takes it is back sooner than fight_over_after; so once
// that is suspected, whatever ends within it is short.
class takeover_watch {
 public:
  static constexpr milliseconds fight_over_after = 2 * limits::reconnect_delay_max;

  explicit takeover_watch(milliseconds short_life) : short_life_(short_life) {}

  // What we had has ended after `lived`; `taken`: perhaps somebody took it.
  void on_end(microseconds lived, bool taken = true) {
    short_lives_ = taken && is_short(lived) ? short_lives_ + 1 : 0;
  }
  // It ends for another reason.
  void reset() { short_lives_ = 0; }

  [[nodiscard]] bool suspected() const { return short_lives_ >= short_lives_suspicious; }
  [[nodiscard]] bool is_short(microseconds lived) const {
    return lived < (suspected() ? fight_over_after : short_life_);
  }

 private:
  static constexpr int short_lives_suspicious = 3;

  milliseconds short_life_;
  int short_lives_ = 0;  // in a row
};

}  // namespace linkd

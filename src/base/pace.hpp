#pragma once

#include <optional>

#include "mqtt_linkd/time.hpp"

namespace linkd {

// Work that many events ask for and that costs too much to be done for each: done at once if the
// last time is long enough ago, otherwise when it is, for all who asked meanwhile.
class pace {
 public:
  void ask() { asked_ = true; }
  [[nodiscard]] bool due(time_point now) const { return asked_ && now >= not_before_; }
  [[nodiscard]] std::optional<time_point> deadline() const {
    return asked_ ? std::optional(not_before_) : std::nullopt;
  }
  // It is being done; not again before `pause` is over.
  void done(time_point now, microseconds pause) {
    asked_ = false;
    not_before_ = now + pause;
  }

 private:
  bool asked_ = false;
  time_point not_before_{};
};

}  // namespace linkd

#pragma once

#include "mqtt_linkd/ports/random.hpp"
#include "mqtt_linkd/time.hpp"

namespace linkd {

// Delays between attempts: doubling from `min` to `max`, each drawn from its upper half, so that
// many daemons that lost one broker together do not come back together.
class backoff {
 public:
  backoff(milliseconds min, milliseconds max) : min_(min), max_(max) {}
  milliseconds next(random_source& random);
  void reset() { failures_ = 0; }
  [[nodiscard]] int failures() const { return failures_; }

 private:
  milliseconds min_, max_;
  int failures_ = 0;
};

}  // namespace linkd

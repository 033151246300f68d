#pragma once

#include "mqtt_linkd/time.hpp"

namespace linkd {

// The only door to time. One thread.
class clock {
 public:
  virtual ~clock() = default;
  [[nodiscard]] virtual time_point now() const = 0;
  // See linkd::stamp.
  [[nodiscard]] virtual stamp unix_time() const = 0;
};

// Calls the woken object once, at or after `when`; a new call replaces the last. Used by the owner
// of the core, which asks it for its next deadline after every event.
class alarm {
 public:
  virtual ~alarm() = default;
  virtual void wake_at(time_point when) = 0;
  virtual void cancel() = 0;
};

}  // namespace linkd

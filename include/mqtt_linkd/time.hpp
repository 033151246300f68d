#pragma once

#include <chrono>

namespace linkd {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A clock without now(): the core is told the time, it cannot ask for it.
struct monotonic {
  using duration = microseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<monotonic>;
  static constexpr bool is_steady = true;
};

// Since an arbitrary moment; for every timeout and interval.
using time_point = monotonic::time_point;

// Milliseconds since 1970 as `clock::stamp()` tells them: read from the wall once at start and then
// moved by the monotonic clock, so that a wall clock that jumps ages no message.
using stamp = std::chrono::time_point<std::chrono::system_clock, milliseconds>;

}  // namespace linkd

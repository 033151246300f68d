#pragma once

#include <chrono>
#include <thread>

namespace linkd::test {

// Asks until `condition` holds or `longest` is over; answers whether it held. For what happens in
// other processes and threads: tests wait for conditions, never for a length of time.
template <class Condition>
bool eventually(std::chrono::milliseconds longest, Condition condition,
                std::chrono::milliseconds interval = std::chrono::milliseconds(10)) {
  const auto deadline = std::chrono::steady_clock::now() + longest;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return condition();
    std::this_thread::sleep_for(interval);
  }
  return true;
}

}  // namespace linkd::test

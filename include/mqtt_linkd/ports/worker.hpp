#pragma once

#include <functional>

namespace linkd {

// Runs what may block. Works run one after another in the order of the calls, off the caller's
// thread; each `done` runs afterwards on the caller's thread. Nothing runs after the worker's
// destruction.
class worker {
 public:
  virtual ~worker() = default;
  virtual void run(std::function<void()> work, std::function<void()> done) = 0;
};

}  // namespace linkd

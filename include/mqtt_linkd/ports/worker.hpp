#pragma once

#include <functional>
#include <string>

namespace linkd {

// Runs what may block, off the caller's thread. Works of one lane run one after another in the
// order of the calls, works of different lanes side by side; each `done` runs afterwards on the
// caller's thread. Nothing runs after the worker's destruction.
class worker {
 public:
  virtual ~worker() = default;
  virtual void run(const std::string& lane, std::function<void()> work,
                   std::function<void()> done) = 0;
};

}  // namespace linkd

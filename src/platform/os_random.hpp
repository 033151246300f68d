#pragma once

#include <array>
#include <cstddef>

#include "mqtt_linkd/ports/random.hpp"

namespace linkd::platform {

// The kernel's random numbers, fetched 256 bytes at a time.
class os_random : public random_source {
 public:
  // Throws std::system_error if the kernel has none (never, since Linux 3.17).
  os_random();
  std::uint64_t next() override;

 private:
  void refill();

  std::array<std::uint64_t, 32> pool_{};
  std::size_t used_ = 0;
};

}  // namespace linkd::platform

#pragma once

#include <cstdint>

namespace linkd {

// The only door to chance: jitter and identities. One thread.
class random_source {
 public:
  virtual ~random_source() = default;
  virtual std::uint64_t next() = 0;
};

}  // namespace linkd

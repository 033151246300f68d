#include "platform/os_random.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace linkd::platform {

os_random::os_random() {
  refill();
}

std::uint64_t os_random::next() {
  if (used_ == pool_.size()) refill();
  return pool_[used_++];
}

void os_random::refill() {
  static_assert(sizeof(pool_) <= 256, "the most getentropy(3) gives at once");
  if (::getentropy(pool_.data(), sizeof(pool_)) != 0) {
    throw std::system_error(errno, std::generic_category(), "getentropy");
  }
  used_ = 0;
}

}  // namespace linkd::platform

#pragma once

#include <bitset>
#include <cstdint>
#include <limits>

namespace linkd::transport {

// Which numbers of a growing sequence were seen, however they were reordered on their way by at
// most 1024 (RFC 4303, section 3.4.3).
class replay_window {
 public:
  // Answers whether `number` is seen for the first time, as far as we can still tell.
  bool take(std::uint64_t number) {
    if (number == std::numeric_limits<std::uint64_t>::max()) return false;
    if (number >= next_) {
      const auto ahead = number - next_ + 1;
      seen_ = ahead < seen_.size() ? seen_ << ahead : seen_.reset();
      next_ = number + 1;
    }
    const auto back = next_ - 1 - number;
    if (back >= seen_.size() || seen_[back]) return false;
    seen_[back] = true;
    return true;
  }

 private:
  std::bitset<1024> seen_;  // bit i is number next_ - 1 - i
  std::uint64_t next_ = 0;
};

}  // namespace linkd::transport

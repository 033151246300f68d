#include "transport/failure_limit.hpp"

#include <algorithm>

namespace linkd::transport {

bool failure_limit::allows(const std::string& address, time_point now) const {
  const auto found = full_again_.find(address);
  return found == full_again_.end() || found->second - now <= (burst - 1) * refill;
}

void failure_limit::on_failure(const std::string& address, time_point now) {
  if (!full_again_.contains(address) && full_again_.size() >= addresses_max) forget_one(now);
  time_point& full_again = full_again_[address];
  full_again = std::max(full_again, now) + refill;
}

// Those that have been quiet for long, or at least the one that failed least.
void failure_limit::forget_one(time_point now) {
  std::erase_if(full_again_, [now](const auto& each) { return each.second <= now; });
  if (full_again_.size() < addresses_max) return;
  full_again_.erase(
      std::ranges::min_element(full_again_, {}, [](const auto& each) { return each.second; }));
}

}  // namespace linkd::transport

#include "base/backoff.hpp"

#include <algorithm>

namespace linkd {

milliseconds backoff::next(random_source& random) {
  constexpr int doublings_max = 20;
  const auto ceiling =
      std::min(max_, min_ * (std::int64_t{1} << std::min(failures_, doublings_max)));
  ++failures_;
  const auto half = static_cast<std::uint64_t>(ceiling.count() / 2);
  return milliseconds(static_cast<std::int64_t>(half + random.next() % (half + 1)));
}

}  // namespace linkd

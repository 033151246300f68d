#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace linkd::bench {

// Durations in microseconds, to about 1 %, in a fixed space.
class latency_histogram {
 public:
  void observe(std::uint64_t value_us) {
    ++counts_[bucket_of(value_us)];
    ++count_;
    max_us_ = std::max(max_us_, value_us);
  }

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t max_us() const { return max_us_; }

  // The smallest value that at least this share (0 to 1) of all do not exceed, rounded up; 0 if
  // there are none.
  [[nodiscard]] std::uint64_t quantile_us(double share) const {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_) + 0.999999);
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      below += counts_[i];
      if (below >= wanted && below > 0) return std::min(upper_bound_us(i), max_us_);
    }
    return max_us_;
  }

 private:
  // Below 128 a bucket a value, above 64 buckets for every doubling.
  static constexpr int exact_bits = 6;
  static constexpr std::size_t step = 1u << exact_bits;

  static std::size_t bucket_of(std::uint64_t value) {
    const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - exact_bits - 1);
    return static_cast<std::size_t>(shift) * step + static_cast<std::size_t>(value >> shift);
  }
  static std::uint64_t upper_bound_us(std::size_t bucket) {
    if (bucket < 2 * step) return bucket;
    const std::size_t shift = bucket / step - 1;
    return ((static_cast<std::uint64_t>(bucket % step) + step + 1) << shift) - 1;
  }

  std::array<std::uint64_t, step*(64 - exact_bits + 1)> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_us_ = 0;
};

}  // namespace linkd::bench

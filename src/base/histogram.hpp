#pragma once

#include <array>
#include <cstdint>

#include "mqtt_linkd/time.hpp"

namespace linkd {

// Counts of durations in fixed buckets, in the shape Prometheus wants. One thread.
class histogram {
 public:
  // Upper bounds in seconds; what is longer counts in `count` only.
  static constexpr std::array<double, 14> bounds_s{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                   0.1,    0.25,  0.5,    1,     5,    60,    3600};

  void observe(microseconds value) {
    const double value_s = std::chrono::duration<double>(value).count();
    for (std::size_t i = 0; i < bounds_s.size(); ++i) {
      if (value_s <= bounds_s[i]) {
        ++buckets_[i];
        break;
      }
    }
    ++count_;
    sum_s_ += value_s;
  }

  // Not cumulative.
  [[nodiscard]] const std::array<std::uint64_t, bounds_s.size()>& buckets() const {
    return buckets_;
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] double sum_s() const { return sum_s_; }

 private:
  std::array<std::uint64_t, bounds_s.size()> buckets_{};
  std::uint64_t count_ = 0;
  double sum_s_ = 0;
};

}  // namespace linkd

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/site.hpp"

namespace linkd::sim {

// What became of the messages of one site at another.
struct verdict {
  std::uint64_t expected = 0, lost = 0, repeated = 0, overtaken = 0, unwanted = 0;
  [[nodiscard]] bool complete() const { return lost == 0; }
};

// Compares the numbers `from` published for `to` (`expected`, ascending) with what arrived there.
// First arrivals must be in that order; what arrives again is counted as repeated.
verdict judge(const site& from, const site& to, const std::vector<std::uint64_t>& expected);

std::string to_string(const verdict& what);

}  // namespace linkd::sim

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace linkd::live {

// What a client may have subscribed to instead, where the broker spells `.` like `/`
// (live/HTTP.md). A separator beside a wildcard was a `/`: a wildcard is a whole level.
struct dotted_readings {
  static constexpr std::size_t separators_max = 3;  // with more, those with one `.`
  static constexpr std::size_t total_max = 4000;    // of all filters; above: none

  std::vector<std::string> filters;
  bool all = true;
};
// `filter` passed topic::check_filter and is the reading without a `.`.
dotted_readings read_dotted(std::string_view filter);

}  // namespace linkd::live

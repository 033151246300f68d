#include "live/dotted_readings.hpp"

namespace linkd::live {
namespace {

bool is_wildcard(char c) {
  return c == '+' || c == '#';
}

// Where a `/` may have been a `.`.
std::vector<std::size_t> doubtful_separators(std::string_view filter) {
  std::vector<std::size_t> found;
  for (std::size_t at = filter.find('/'); at != std::string_view::npos;
       at = filter.find('/', at + 1)) {
    const bool after_wildcard = at > 0 && is_wildcard(filter[at - 1]);
    const bool before_wildcard = at + 1 < filter.size() && is_wildcard(filter[at + 1]);
    if (!after_wildcard && !before_wildcard) found.push_back(at);
  }
  return found;
}

}  // namespace

dotted_readings read_dotted(std::string_view filter) {
  const auto separators = doubtful_separators(filter);
  dotted_readings out;
  out.all = separators.size() <= dotted_readings::separators_max;
  if (!out.all) {
    for (const std::size_t at : separators) out.filters.emplace_back(filter).at(at) = '.';
    return out;
  }
  for (std::size_t choice = 1; choice < std::size_t{1} << separators.size(); ++choice) {
    std::string& reading = out.filters.emplace_back(filter);
    for (std::size_t i = 0; i < separators.size(); ++i) {
      if ((choice >> i & 1) != 0) reading[separators[i]] = '.';
    }
  }
  return out;
}

}  // namespace linkd::live

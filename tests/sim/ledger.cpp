#include "tests/sim/ledger.hpp"

#include <set>

namespace linkd::sim {

verdict judge(const site& from, const site& to, const std::vector<std::uint64_t>& expected) {
  verdict what;
  what.expected = expected.size();
  std::set<std::uint64_t> wanted(expected.begin(), expected.end()), seen;
  std::uint64_t newest = 0;
  for (const site::arrival& each : to.arrivals()) {
    if (each.from != from.name()) continue;
    if (!wanted.count(each.number)) {
      ++what.unwanted;
    } else if (!seen.insert(each.number).second) {
      ++what.repeated;
    } else {
      if (each.number < newest) ++what.overtaken;
      newest = std::max(newest, each.number);
    }
  }
  what.lost = wanted.size() - seen.size();
  return what;
}

std::string to_string(const verdict& what) {
  return "expected " + std::to_string(what.expected) + ", lost " + std::to_string(what.lost) +
         ", repeated " + std::to_string(what.repeated) + ", overtaken " +
         std::to_string(what.overtaken) + ", unwanted " + std::to_string(what.unwanted);
}

}  // namespace linkd::sim

#include "tests/e2e/ledger.hpp"

#include <algorithm>
#include <charconv>

namespace linkd::test {

message numbered(std::string_view topic, std::size_t number, std::size_t payload_bytes) {
  message made;
  made.topic = topic;
  made.payload = std::to_string(number) + ' ';
  if (made.payload.size() < payload_bytes) made.payload.resize(payload_bytes, '.');
  made.qos = 1;
  return made;
}

ledger compare(std::size_t sent, std::string_view topic, std::span<const message> arrivals) {
  ledger found;
  std::vector<bool> seen(sent, false);
  std::size_t above_highest = 0;
  for (const message& arrival : arrivals) {
    if (arrival.topic != topic) continue;
    const char* const begin = arrival.payload.data();
    const char* const end = begin + arrival.payload.size();
    std::size_t number = sent;
    const auto [stop, failure] = std::from_chars(begin, end, number);
    if (failure != std::errc{} || stop == end || *stop != ' ' || number >= sent) {
      ++found.unexpected;
    } else if (seen[number]) {
      ++found.repeated;
    } else {
      if (number < above_highest && ++found.overtaken == 1) {
        found.first_overtaken =
            std::to_string(number) + " after " + std::to_string(above_highest - 1);
      }
      seen[number] = true;
      above_highest = std::max(above_highest, number + 1);
    }
  }
  found.missing = static_cast<std::size_t>(std::ranges::count(seen, false));
  if (found.missing > 0) {
    const auto hole = std::ranges::find(seen, false);
    const auto end_of_hole = std::find(hole, seen.end(), true);
    found.first_missing = std::to_string(hole - seen.begin()) + " to " +
                          std::to_string(end_of_hole - seen.begin() - 1);
  }
  return found;
}

std::ostream& operator<<(std::ostream& out, const ledger& what) {
  out << what.missing << " missing, " << what.overtaken << " overtaken, " << what.repeated
      << " repeated, " << what.unexpected << " unexpected";
  if (what.missing > 0) out << "; first hole: " << what.first_missing;
  if (what.overtaken > 0) out << "; first overtaken: " << what.first_overtaken;
  return out;
}

}  // namespace linkd::test

#pragma once

#include <cstddef>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mqtt_linkd/message.hpp"

namespace linkd::test {

// The message with this number on a topic. Its payload is the number, then filling up to
// `payload_bytes`.
message numbered(std::string_view topic, std::size_t number, std::size_t payload_bytes = 0);

// What became of the messages numbered 0 to sent - 1 that one publisher sent on one topic.
struct ledger {
  std::size_t missing = 0;     // never arrived
  std::size_t overtaken = 0;   // arrived for the first time after one with a higher number
  std::size_t repeated = 0;    // arrivals after the first
  std::size_t unexpected = 0;  // not a number below `sent`
  std::string first_missing;   // for people: where a hole is
  std::string first_overtaken;
  bool operator==(const ledger&) const = default;
};

// Arrivals on other topics are passed over.
ledger compare(std::size_t sent, std::string_view topic, std::span<const message> arrivals);

std::ostream& operator<<(std::ostream& out, const ledger& what);

}  // namespace linkd::test

#include "link/crash_guard.hpp"

#include <algorithm>

#include "mqtt_linkd/limits.hpp"

namespace linkd::link {

bool is_poison(const crash_journal& journal, std::uint64_t queue_id, std::uint64_t offset) {
  const auto& crashes = journal.crashes();
  const queue_records this_one{queue_id, offset, offset + 1};
  return std::count(crashes.begin(), crashes.end(), this_one) >= limits::crashes_max;
}

bool is_suspect(const crash_journal& journal, std::uint64_t queue_id, std::uint64_t offset) {
  const auto& crashes = journal.crashes();
  return std::any_of(crashes.begin(), crashes.end(), [&](const queue_records& each) {
    return each.queue_id == queue_id && each.begin <= offset && offset < each.end;
  });
}

queue::dead_letters::letter letter_about_poison(stamp when, bytes_view record) {
  return {when,
          "the daemon crashed each of " + std::to_string(limits::crashes_max) +
              " times it handled this; not decoded: the payload is the whole record",
          "",
          0,
          false,
          bytes(record)};
}

}  // namespace linkd::link

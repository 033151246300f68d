#include "tests/sim/world.hpp"

namespace linkd::sim {
namespace {

constexpr std::size_t story_lines_max = 200;

}  // namespace

microseconds world::between(microseconds min, microseconds max) {
  const auto span = static_cast<std::uint64_t>((max - min).count()) + 1;
  return min + microseconds(static_cast<std::int64_t>(random_.below(span)));
}

void world::after(microseconds delay, std::function<void()> event) {
  events_.emplace(std::pair(now_ + delay, scheduled_++), std::move(event));
}

bool world::step(time_point until) {
  if (events_.empty() || events_.begin()->first.first > until) return false;
  auto next = events_.extract(events_.begin());
  now_ = next.key().first;
  try {
    next.mapped()();
  } catch (const broken_off& event) {
    event.then();
  }
  return true;
}

void world::run_for(microseconds time) {
  const time_point until = now_ + time;
  while (step(until)) {
  }
  now_ = until;
}

bool world::run_until(const std::function<bool()>& reached, microseconds limit) {
  const time_point until = now_ + limit;
  while (!reached()) {
    if (!step(until)) return false;
  }
  return true;
}

void world::note(const std::string& line) {
  const auto ms = std::chrono::duration_cast<milliseconds>(now_.time_since_epoch()).count();
  story_.push_back(std::to_string(ms) + " ms  " + line);
  if (story_.size() > story_lines_max) story_.pop_front();
}

std::string world::story() const {
  std::string all;
  for (const std::string& line : story_) all += line + "\n";
  return all;
}

}  // namespace linkd::sim

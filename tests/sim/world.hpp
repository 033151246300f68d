#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mqtt_linkd/time.hpp"
#include "tests/support/memory_storage.hpp"

namespace linkd::sim {

using test::seeded_random;

// Thrown by an event that does not come to its end; `then` happens in its place.
struct broken_off {
  std::function<void()> then;
};

// Virtual time and chance of one simulated run: one seed, one world. Events run in the order of
// their time, those of one time in the order in which they were scheduled.
class world {
 public:
  explicit world(std::uint64_t seed) : random_(seed) {}

  [[nodiscard]] time_point now() const { return now_; }
  seeded_random& random() { return random_; }
  // A delay in [min, max].
  microseconds between(microseconds min, microseconds max);
  bool chance(unsigned percent) { return random_.below(100) < percent; }

  void after(microseconds delay, std::function<void()> event);
  void run_for(microseconds time);
  // False if the limit (of virtual time) came first.
  bool run_until(const std::function<bool()>& reached, microseconds limit);

  // One line of the story; the last of them are printed when a run fails.
  void note(const std::string& line);
  [[nodiscard]] std::string story() const;

 private:
  bool step(time_point until);

  seeded_random random_;
  time_point now_{};
  std::uint64_t scheduled_ = 0;
  std::map<std::pair<time_point, std::uint64_t>, std::function<void()>> events_;
  std::deque<std::string> story_;
};

}  // namespace linkd::sim

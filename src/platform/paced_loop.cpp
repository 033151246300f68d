#include "platform/paced_loop.hpp"

#include <thread>

#include "mqtt_linkd/limits.hpp"

namespace linkd::platform {

void rest_shortly() {
  std::this_thread::sleep_for(limits::busy_turn_pause);
}

void run_paced(boost::asio::io_context& io, const std::function<std::uint64_t()>& messages,
               const std::function<void()>& rest) {
  int quiet_turns = limits::quiet_turns;
  for (std::uint64_t before = messages(); !io.stopped();) {
    if (quiet_turns < limits::quiet_turns) {
      rest();
      io.poll();
    } else {
      io.run_one();
    }
    const std::uint64_t now = messages();
    quiet_turns = now - before >= limits::busy_turn_messages ? 0 : quiet_turns + 1;
    before = now;
  }
}

}  // namespace linkd::platform

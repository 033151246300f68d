#include "platform/paced_loop.hpp"

#include <thread>

#include "mqtt_linkd/limits.hpp"

namespace linkd::platform {

void rest_shortly() {
  std::this_thread::sleep_for(limits::busy_turn_pause);
}

void run_paced(boost::asio::io_context& io, const std::function<std::uint64_t()>& messages,
               const std::function<void()>& rest) {
  std::uint64_t before = messages();
  while (io.run_one() > 0) {
    const std::uint64_t now = messages();
    if (now - before >= limits::busy_turn_messages) rest();
    before = now;
  }
}

}  // namespace linkd::platform

#include "platform/paced_loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <catch2/catch.hpp>
#include <functional>
#include <vector>

#include "mqtt_linkd/limits.hpp"

using namespace linkd;

namespace {

struct loop {
  // A handler that handles `count` messages.
  void post(std::uint64_t count) {
    boost::asio::post(io, [this, count] { messages += count; });
  }
  // Until there is no more to do. `resting` is called when it rests.
  void run(const std::function<void()>& resting = [] {}) {
    platform::run_paced(
        io, [&] { return messages; },
        [&] {
          rested_at.push_back(messages);
          resting();
        });
  }

  boost::asio::io_context io;
  std::uint64_t messages = 0;
  std::vector<std::uint64_t> rested_at;
};

constexpr std::uint64_t busy = limits::busy_turn_messages;

}  // namespace

TEST_CASE("paced loop: it does not rest while a turn has few messages", "[platform]") {
  loop tested;
  for (int i = 0; i < 10; ++i) tested.post(busy - 1);
  tested.run();
  CHECK(tested.messages == 10 * (busy - 1));
  CHECK(tested.rested_at.empty());
}

TEST_CASE("paced loop: after a busy turn it rests, and then does all there is to do",
          "[platform]") {
  loop tested;
  tested.post(0);
  tested.post(busy);
  tested.post(1);
  tested.post(2);
  tested.run();
  CHECK(tested.messages == busy + 3);
  CHECK(tested.rested_at == std::vector<std::uint64_t>{busy});
}

TEST_CASE("paced loop: it rests between turns until some of them in a row were quiet",
          "[platform]") {
  loop tested;
  // Much later than all rests: the loop waits for it.
  boost::asio::steady_timer end(tested.io, milliseconds(200));
  end.async_wait([](auto) {});
  tested.post(busy);
  int rests = 0;
  tested.run([&] {
    if (++rests == 2) tested.post(busy);
  });
  CHECK(rests == 2 + limits::quiet_turns);
}

TEST_CASE("paced loop: it ends when it is stopped", "[platform]") {
  boost::asio::io_context io;
  const auto work = boost::asio::make_work_guard(io);
  boost::asio::post(io, [&] { io.stop(); });
  platform::run_paced(
      io, [] { return 0; }, [] {});
  CHECK(io.stopped());
}

#include "platform/paced_loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <vector>

#include "mqtt_linkd/limits.hpp"

using namespace linkd;

TEST_CASE("paced loop: it rests after each handler that had many messages, and after no other",
          "[platform]") {
  boost::asio::io_context io;
  std::uint64_t messages = 1000;
  std::vector<std::uint64_t> rested_at;
  const auto handler_of = [&](std::uint64_t count) {
    boost::asio::post(io, [&messages, count] { messages += count; });
  };
  handler_of(limits::busy_turn_messages);
  handler_of(0);
  for (int i = 0; i < 3; ++i) handler_of(limits::busy_turn_messages - 1);
  handler_of(2 * limits::busy_turn_messages);
  handler_of(1);

  platform::run_paced(
      io, [&] { return messages; }, [&] { rested_at.push_back(messages - 1000); });
  CHECK(messages - 1000 == 6 * limits::busy_turn_messages - 2);
  CHECK(rested_at ==
        std::vector<std::uint64_t>{limits::busy_turn_messages, 6 * limits::busy_turn_messages - 3});
}

TEST_CASE("paced loop: it ends when it is stopped", "[platform]") {
  boost::asio::io_context io;
  const auto work = boost::asio::make_work_guard(io);
  boost::asio::post(io, [&] { io.stop(); });
  platform::run_paced(
      io, [] { return 0; }, [] {});
  CHECK(io.stopped());
}

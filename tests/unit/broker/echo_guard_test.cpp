#include "broker/echo_guard.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <random>

using namespace linkd;
using broker_adapter::echo_guard;

namespace {

message make(const std::string& topic, const bytes& payload, std::uint8_t qos = 1) {
  message out;
  out.topic = topic;
  out.payload = payload;
  out.qos = qos;
  return out;
}

}  // namespace

TEST_CASE("echo guard: swallows as many as were published and no more", "[echo_guard]") {
  echo_guard guard;
  CHECK_FALSE(guard.swallow(make("a", "1")));
  guard.published(make("a", "1"));
  guard.published(make("a", "1"));
  CHECK(guard.swallow(make("a", "1")));
  CHECK(guard.swallow(make("a", "1", 0)));  // the broker may lower the QoS
  CHECK_FALSE(guard.swallow(make("a", "1")));
  CHECK(guard.empty());
}

TEST_CASE("echo guard: topic and payload do not run into each other", "[echo_guard]") {
  echo_guard guard;
  guard.published(make("ab", "c"));
  CHECK_FALSE(guard.swallow(make("a", "bc")));
  CHECK_FALSE(guard.swallow(make("abc", "")));
  CHECK(guard.swallow(make("ab", "c")));
}

TEST_CASE("echo guard: a barrier drops what was published before it and nothing after",
          "[echo_guard]") {
  echo_guard guard;
  guard.published(make("a", "before"));
  const bytes barrier = guard.begin_barrier(7);
  guard.published(make("a", "after"));
  CHECK_FALSE(guard.end_barrier("something else"));
  CHECK(guard.barrier_outstanding());
  CHECK(guard.end_barrier(barrier));
  CHECK_FALSE(guard.end_barrier(barrier));
  CHECK_FALSE(guard.swallow(make("a", "before")));
  CHECK(guard.swallow(make("a", "after")));
}

TEST_CASE("echo guard: from several queues the next barrier drops what was published before one",
          "[echo_guard]") {
  echo_guard guard(false);
  guard.published(make("a", "1"));
  guard.published(make("a", "2"));
  CHECK(guard.end_barrier(guard.begin_barrier(1)));
  CHECK_FALSE(guard.empty());
  CHECK(guard.swallow(make("a", "1")));  // overtaken by the barrier
  guard.published(make("a", "3"));
  CHECK(guard.end_barrier(guard.begin_barrier(2)));
  CHECK_FALSE(guard.swallow(make("a", "2")));
  CHECK(guard.swallow(make("a", "3")));
  CHECK(guard.empty());
}

TEST_CASE("echo guard: a batch that was not acknowledged is swallowed again", "[echo_guard]") {
  echo_guard guard;
  guard.published(make("a", "1"));
  guard.published(make("a", "2"));
  CHECK(guard.swallow(make("a", "1")));
  guard.released();
  CHECK(guard.swallow(make("a", "2")));
  guard.connection_lost();
  CHECK_FALSE(guard.barrier_outstanding());
  CHECK_FALSE(guard.swallow(make("a", "1")));
  CHECK(guard.swallow(make("a", "2")));
}

TEST_CASE("echo guard: the barrier of a lost connection is none any more", "[echo_guard]") {
  echo_guard guard;
  guard.published(make("a", "1"));
  const bytes barrier = guard.begin_barrier(1);
  guard.connection_lost();
  CHECK_FALSE(guard.end_barrier(barrier));
  CHECK(guard.end_barrier(guard.begin_barrier(2)));
  CHECK(guard.empty());
}

TEST_CASE("echo guard: says when a barrier is due and when it is full", "[echo_guard]") {
  echo_guard guard;
  for (std::size_t i = 0; i < echo_guard::barrier_interval; ++i) {
    CHECK_FALSE(guard.barrier_due());
    guard.published(make("a", std::to_string(i)));
  }
  CHECK(guard.barrier_due());
  guard.begin_barrier(1);
  CHECK_FALSE(guard.barrier_due());
  CHECK_FALSE(guard.full());
  while (!guard.full()) guard.published(make("a", "x"));
  guard.clear();
  CHECK(guard.empty());
}

// A broker as the argument in the header assumes it: one queue in order, echoes of a random part of
// our publishes (the connection broke, or the broker dropped them), others' messages in between,
// connections that break with a batch unacknowledged. Up to the first barrier that comes back, an
// echo that is lost may cost a message of the same content; after it, nothing may.
TEST_CASE("echo guard: over random histories others' messages pass and echoes do not",
          "[echo_guard]") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  echo_guard guard;
  struct queued {
    message what;
    bool barrier;
  };
  std::deque<queued> session;
  std::map<bytes, int> balance;  // others' messages queued less passed, by content
  std::uint64_t unique = 0;
  for (int step = 0; step < 20'000; ++step) {
    const message what = make("a", std::to_string(random() % 5));
    switch (random() % 5) {
      case 0:
        guard.published(what);
        session.push_back({what, false});
        break;
      case 1:
        session.push_back({what, false});
        ++balance[what.payload];
        break;
      case 2:
        if (!guard.barrier_outstanding()) {
          session.push_back({make("echo", guard.begin_barrier(++unique)), true});
        }
        break;
      default: {  // a batch of three, acknowledged or not
        const std::size_t count = std::min<std::size_t>(3, session.size());
        const bool acknowledged = random() % 4 != 0;
        std::vector<bytes> passed;
        for (std::size_t i = 0; i < count; ++i) {
          const queued& next = session[i];
          if (next.barrier) {
            guard.end_barrier(next.what.payload);
          } else if (!guard.swallow(next.what)) {
            passed.push_back(next.what.payload);
          }
        }
        if (acknowledged) {
          guard.released();
          for (const auto& payload : passed) --balance[payload];
          session.erase(session.begin(), session.begin() + static_cast<std::ptrdiff_t>(count));
        } else {
          guard.connection_lost();  // passed on, but not stored: delivered again
        }
      }
    }
  }
  while (!session.empty()) {
    const queued next = session.front();
    session.pop_front();
    if (next.barrier) {
      guard.end_barrier(next.what.payload);
    } else if (!guard.swallow(next.what)) {
      --balance[next.what.payload];
    }
  }
  for (const auto& [payload, open] : balance) {
    CAPTURE(payload);
    CHECK(open == 0);
  }
}

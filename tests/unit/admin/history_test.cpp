#include "admin/history.hpp"

#include <catch2/catch.hpp>

using namespace linkd;

namespace {

struct fixture {
  fixture() {
    status.links.resize(1);
    link().name = "london";
  }
  link::link_status& link() { return status.links.front(); }
  void sample(milliseconds later = milliseconds(5'000)) {
    now += later;
    history.sample(status, now,
                   stamp(std::chrono::duration_cast<milliseconds>(now.time_since_epoch())));
  }
  link::deployment_status status;
  admin::history history;
  time_point now{seconds(100)};
};

}  // namespace

TEST_CASE("history: a point is what was done in its interval, per second", "[admin]") {
  fixture f;
  f.sample();
  CHECK(f.history.of("london").empty());
  f.status.messages_captured = 100;
  auto& counters = f.link().counters;
  counters.messages_queued = 50;
  counters.messages_acked = 40;
  counters.messages_published = 10;
  counters.payload_bytes_out = 5'000;
  counters.payload_bytes_in = 500;
  counters.dropped[0] = 5;
  counters.dropped[3] = 5;
  counters.delivery_latency.observe(milliseconds(100));
  counters.delivery_latency.observe(milliseconds(300));
  f.link().queue_messages = 7;
  f.link().queue_bytes = 70;
  f.sample(milliseconds(10'000));
  REQUIRE(f.history.of("london").size() == 1);
  const auto point = f.history.of("london").back();
  CHECK(point.time == stamp(seconds(115)));
  CHECK(point.captured == Approx(10));
  CHECK(point.queued == Approx(5));
  CHECK(point.messages_out == Approx(4));
  CHECK(point.messages_in == Approx(1));
  CHECK(point.bytes_out == Approx(500));
  CHECK(point.bytes_in == Approx(50));
  CHECK(point.dropped == Approx(1));
  CHECK(point.queue_messages == 7);
  CHECK(point.queue_bytes == 70);
  CHECK(point.latency_s.value() == Approx(0.2));
  f.sample();
  CHECK(f.history.of("london").back().messages_out == 0);
  CHECK_FALSE(f.history.of("london").back().latency_s);
}

TEST_CASE("history: five minutes and no more, and nothing of links that are gone", "[admin]") {
  fixture f;
  for (int i = 0; i < 100; ++i) f.sample();
  CHECK(f.history.of("london").size() == 60);
  CHECK(f.history.of("london").back().time - f.history.of("london").front().time == seconds(295));
  f.status.links.clear();
  f.sample();
  CHECK(f.history.of("london").empty());
}

TEST_CASE("history: what comes too early is not taken", "[admin]") {
  fixture f;
  f.sample();
  f.sample();
  f.sample(milliseconds(2'000));
  CHECK(f.history.of("london").size() == 1);
  f.sample(milliseconds(2'800));
  CHECK(f.history.of("london").size() == 2);
}

TEST_CASE("history: a link that was removed and added again counts from 0", "[admin]") {
  fixture f;
  f.link().counters.messages_acked = 1'000;
  f.sample();
  f.link().counters.messages_acked = 50;
  f.sample();
  CHECK(f.history.of("london").back().messages_out == Approx(10));
}

#include <catch2/catch.hpp>

#include "mqtt_linkd/limits.hpp"
#include "tests/sim/stage.hpp"

using namespace linkd;
using namespace linkd::sim;

namespace {

std::uint64_t rejected(const site& at, const std::string& peer) {
  return at.link_to(peer).counters.dropped[static_cast<std::size_t>(link::drop_reason::rejected)];
}

}  // namespace

TEST_CASE("crash loop: a message of which the daemon crashes when it hands it over is parked",
          "[sim]") {
  stage s(GENERATE(range(1, 11)));
  s.start_pair({}, {"#"});
  int crashes = 0;
  s.b.broker().on_linkd_call = [&](const message& what) {
    if (what.topic != "poison") return;
    ++crashes;
    s.b.crash();
  };
  auto numbers = s.publish(s.a, "x", 50);
  s.a.publish("poison");
  for (const auto number : s.publish(s.a, "x", 50)) numbers.push_back(number);
  s.check(s.a, s.b, numbers, 3 * 128);
  CHECK(crashes == limits::crashes_max);
  CHECK(rejected(s.b, "a") == 1);
  CHECK(s.b.disk().contents("links/a/dead-letters/0000000001.jsonl").find("crashed each of 3") !=
        bytes::npos);
  CHECK(s.a.link_to("b").queue_messages == 0);
}

TEST_CASE(
    "crash loop: a record of which the daemon crashes is parked, where it is received or sent",
    "[sim]") {
  const bool sending = GENERATE(false, true);
  stage s(GENERATE(range(1, 11)));
  s.start_pair({}, {"#"});
  site& sick = sending ? s.a : s.b;
  s.net.partition("a", "b");  // first everything is queued: an offset stands for a number
  auto numbers = s.publish(s.a, "x", 100);
  REQUIRE(s.in.run_until([&] { return s.a.broker().drained(); }, seconds(10)));
  constexpr std::uint64_t poison = 50;
  int crashes = 0;
  sick.on_take = [&](const queue_records& in_hand) {
    if (in_hand.begin > poison || in_hand.end <= poison) return;
    ++crashes;
    sick.crash();
  };
  s.net.heal_all();
  numbers.erase(numbers.begin() + poison);
  s.check(s.a, s.b, numbers, 8 * 128);
  CHECK(rejected(sick, sending ? "b" : "a") == 1);
  CHECK(crashes >= limits::crashes_max);
  CHECK(crashes <= limits::crashes_max + 3);  // to find out which of a batch it is
  CHECK(s.a.link_to("b").queue_messages == 0);
}

TEST_CASE("crash loop: who is killed from outside blames no record, however often", "[sim]") {
  stage s(GENERATE(range(1, 6)));
  s.start_pair({}, {"#"});
  int kills = 0;
  s.b.on_take = [&](const queue_records& in_hand) {
    if (in_hand.begin > 50 || in_hand.end <= 50 || kills == 20) return;
    ++kills;
    s.in.after(microseconds(0), [&] {
      s.b.kill();
      s.b.start();
    });
  };
  s.check(s.a, s.b, s.publish(s.a, "x", 100), 20 * 128);
  CHECK(kills == 20);
  CHECK(rejected(s.b, "a") == 0);
}

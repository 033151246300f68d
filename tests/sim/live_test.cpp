#include <catch2/catch.hpp>

#include "tests/sim/ledger.hpp"
#include "tests/sim/site.hpp"
#include "topic/topic.hpp"

// Live interest with whole daemons: b's clients come and go, and a sends what they want.
using namespace linkd;
using namespace linkd::sim;

namespace {

using strings = std::vector<std::string>;

struct stage {
  explicit stage(std::uint64_t seed = 1) : in(seed), net(in), a(in, net, "a"), b(in, net, "b") {
    a.clients().set_live(true);
    b.clients().set_live(true);
  }

  void start(strings b_wants = {"#"}) {
    a.configure({link_to("a", "b", {"#"})});
    b.configure({link_to("b", "a", std::move(b_wants))});
    a.start();
    b.start();
    INFO(in.story());
    REQUIRE(in.run_until([&] { return a.all_links_up() && b.all_links_up(); }, seconds(60)));
    in.run_for(seconds(2));
  }
  std::vector<std::uint64_t> publish(const std::string& topic, int count) {
    std::vector<std::uint64_t> numbers;
    for (int i = 0; i < count; ++i) {
      numbers.push_back(a.publish(topic));
      in.run_for(milliseconds(2));
    }
    return numbers;
  }
  strings captured() const {
    auto filters = a.broker().captured();
    std::sort(filters.begin(), filters.end());
    return filters;
  }

  world in;
  sim_network net;
  mutable site a;
  site b;
};

}  // namespace

TEST_CASE("live: nothing crosses until a client subscribes, nothing after it is gone", "[sim]") {
  stage s(GENERATE(range(1, 6)));
  s.start();
  CHECK(s.captured().empty());
  s.publish("x", 20);
  s.b.clients().subscribe("x");
  s.in.run_for(milliseconds(200));
  const auto wanted = s.publish("x", 20);
  s.b.clients().unsubscribe("x");
  s.in.run_for(seconds(9));
  const auto lingering = s.publish("x", 20);
  s.in.run_for(seconds(2));
  s.publish("x", 20);
  s.in.run_for(seconds(5));
  auto expected = wanted;
  expected.insert(expected.end(), lingering.begin(), lingering.end());
  const verdict what = judge(s.a, s.b, expected);
  INFO(to_string(what) << "\n" << s.in.story());
  CHECK(what.lost == 0);
  CHECK(what.unwanted == 0);
  CHECK(what.repeated == 0);
  CHECK(s.a.status().messages_captured == 40);
}

TEST_CASE("live: without a view the interest is static, and live again by itself", "[sim]") {
  stage s;
  s.start({"t/#"});
  s.b.clients().subscribe("t/1");
  s.in.run_for(seconds(1));
  CHECK(s.captured() == strings{"t/1"});
  CHECK(s.b.status().interest.complete);
  s.b.clients().set_visible(false);
  s.in.run_for(seconds(1));
  CHECK(s.captured() == strings{"t/#"});
  CHECK_FALSE(s.b.status().interest.complete);
  CHECK(s.b.status().interest.reason == "the broker cannot be asked");
  s.b.clients().unsubscribe("t/1");
  s.b.clients().subscribe("t/2");
  s.b.clients().set_visible(true);
  s.in.run_for(seconds(1));
  CHECK(s.captured() == strings{"t/2"});
}

TEST_CASE("live: what a client wants outlives restarts and absences of both daemons", "[sim]") {
  stage s(GENERATE(range(1, 6)));
  s.start();
  s.b.clients().subscribe("x");
  s.in.run_for(seconds(3));
  s.b.kill();
  s.in.run_for(seconds(30));
  s.a.kill();
  s.a.start();
  s.in.run_for(seconds(3));
  CHECK(s.captured() == strings{"x"});
  const auto numbers = s.publish("x", 50);
  s.b.start();
  s.in.run_for(seconds(60));
  const verdict what = judge(s.a, s.b, numbers);
  INFO(to_string(what) << "\n" << s.in.story());
  CHECK(what.lost == 0);
  CHECK(what.unwanted == 0);
}

// Goal: interest converges, and nothing that settled interest wants is lost. Method: clients come
// and go fast while network, daemons and brokers fail; one filter stays, and what is published for
// it must arrive; when all has healed, a captures exactly what b's clients want.
TEST_CASE("live: under churn and faults interest converges and settled interest loses nothing",
          "[sim]") {
  const auto seed = GENERATE(range(1u, 41u));
  CAPTURE(seed);
  stage s(seed);
  s.b.clients().subscribe("settled/+");
  s.start({"settled/#", "churn/#"});
  s.in.run_for(seconds(3));
  std::vector<std::uint64_t> settled;
  for (int round = 0; round < 1500; ++round) {
    const std::string filter =
        "churn/" + std::to_string(s.in.random().below(20)) + (s.in.chance(20) ? "/#" : "/x");
    if (s.in.chance(50)) {
      s.b.clients().subscribe(filter);
    } else {
      s.b.clients().unsubscribe(filter);
    }
    if (s.in.chance(20)) settled.push_back(s.a.publish("settled/y"));
    if (s.in.chance(10)) s.a.publish("churn/1/x");
    switch (s.in.random().below(150)) {
      case 0:
        s.net.reset("a", "b");
        break;
      case 1:
        s.net.partition("a", "b");
        s.in.after(seconds(5), [&] { s.net.heal_all(); });
        break;
      case 2:
        s.b.kill();
        s.b.start();
        break;
      case 3:
        s.a.lose_power();
        s.a.start();
        break;
      case 4:
        s.b.clients().set_visible(false);
        s.in.after(seconds(2), [&] { s.b.clients().set_visible(true); });
        break;
    }
    s.in.run_for(s.in.between(microseconds(100), milliseconds(100)));
  }
  s.in.run_for(seconds(60));
  INFO(s.in.story());
  REQUIRE(s.in.run_until([&] { return s.a.all_links_up() && s.b.all_links_up(); }, seconds(180)));
  s.in.run_for(seconds(60));

  const auto& all = s.b.clients().filters();
  CHECK(s.captured() == topic::minimal_union({all.begin(), all.end()}));
  std::set<std::uint64_t> arrived;
  for (const auto& each : s.b.arrivals()) arrived.insert(each.number);
  const auto lost = std::count_if(settled.begin(), settled.end(),
                                  [&](std::uint64_t number) { return !arrived.count(number); });
  CHECK(lost == 0);
}

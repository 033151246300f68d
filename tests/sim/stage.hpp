#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/sim/ledger.hpp"
#include "tests/sim/site.hpp"

namespace linkd::sim {

// Two or three sites in one world, every link up.
struct stage {
  explicit stage(std::uint64_t seed = 1)
      : in(seed), net(in), a(in, net, "a"), b(in, net, "b"), c(in, net, "c") {}

  void start_pair(std::vector<std::string> a_wants, std::vector<std::string> b_wants,
                  bool a_dials = true, bool b_dials = true) {
    a.configure({link_to("a", "b", std::move(a_wants), a_dials)});
    b.configure({link_to("b", "a", std::move(b_wants), b_dials)});
    a.start();
    b.start();
    settle();
  }
  // Both links up and the captures in force.
  void settle() {
    INFO(in.story());
    REQUIRE(in.run_until([&] { return a.all_links_up() && b.all_links_up(); }, seconds(60)));
    in.run_for(seconds(1));
  }
  std::vector<std::uint64_t> publish(site& at, const std::string& topic, int count,
                                     microseconds every = milliseconds(2)) {
    std::vector<std::uint64_t> numbers;
    for (int i = 0; i < count; ++i) {
      numbers.push_back(at.publish(topic));
      in.run_for(every);
    }
    return numbers;
  }
  void check(const site& from, const site& to, const std::vector<std::uint64_t>& expected,
             std::uint64_t repeated_max) {
    in.run_until([&] { return judge(from, to, expected).complete(); }, seconds(120));
    in.run_for(seconds(5));
    const verdict what = judge(from, to, expected);
    INFO(from.name() << " -> " << to.name() << ": " << to_string(what) << "\n" << in.story());
    CHECK(what.lost == 0);
    CHECK(what.overtaken == 0);
    CHECK(what.unwanted == 0);
    CHECK(what.repeated <= repeated_max);
  }
  void check_quiet() {
    for (const site* each : {&a, &b, &c}) {
      INFO(in.story());
      CHECK(each->errors() == std::vector<std::string>{});
    }
  }

  world in;
  sim_network net;
  site a, b, c;
};

}  // namespace linkd::sim

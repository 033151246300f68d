#include <catch2/catch.hpp>
#include <optional>

#include "tests/sim/stage.hpp"

// What an operator orders and asks, with whole daemons.
using namespace linkd;
using namespace linkd::sim;
using link::link_state;

namespace {

struct pair : stage {
  explicit pair(bool a_dials = true, bool b_dials = true) {
    start_pair({"from-b/#"}, {"from-a/#"}, a_dials, b_dials);
  }
  std::vector<std::uint64_t> publish(site& at, int count) {
    return stage::publish(at, "from-" + at.name() + "/x", count);
  }
  link::outgoing_fate outgoing(const std::string& topic) {
    return a.core().explain(topic)->outgoing.at(0);
  }
  link::incoming_fate incoming(const std::string& topic) {
    return a.core().explain(topic)->incoming.at(0);
  }
};

std::uint64_t purged_of(const link::link_status& of) {
  return of.counters.dropped[static_cast<std::size_t>(link::drop_reason::purged)];
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("pause: nothing is sent, everything is queued, and resume sends it once", "[sim]") {
  const bool a_dials = GENERATE(true, false);
  pair s(a_dials, !a_dials);
  REQUIRE(s.a.core().pause("b").has_value());
  s.in.run_for(seconds(60));
  CHECK(s.a.link_to("b").state == link_state::paused);
  CHECK(s.b.link_to("a").state == (a_dials ? link_state::down : link_state::refused));
  if (!a_dials) CHECK(says(s.b.link_to("a").reason, "a has paused its link to b"));
  const auto from_a = s.publish(s.a, 100);
  const auto from_b = s.publish(s.b, 100);
  s.in.run_for(seconds(60));
  CHECK(s.a.link_to("b").queue_messages == 100);
  CHECK(s.b.arrivals().empty());
  REQUIRE(s.a.core().resume("b").has_value());
  s.settle();
  s.in.run_for(seconds(5));
  CHECK(judge(s.a, s.b, from_a).complete());
  CHECK(judge(s.b, s.a, from_b).complete());
  CHECK(s.b.arrivals().size() == 100);
}

TEST_CASE("pause: holds over restarts and changes of the configuration, until resume", "[sim]") {
  pair s;
  REQUIRE(s.a.core().pause("b").has_value());
  s.in.run_for(seconds(1));
  s.a.kill();
  s.a.start();
  s.in.run_for(seconds(60));
  CHECK(s.a.link_to("b").state == link_state::paused);
  auto changed = link_to("a", "b", {"from-b/#"});
  changed.client_id_prefix = "other";
  s.a.configure({changed});
  s.in.run_for(seconds(60));
  CHECK(s.a.link_to("b").state == link_state::paused);
  changed.enable = false;
  s.a.configure({changed});
  CHECK(s.a.link_to("b").state == link_state::disabled);
  changed.enable = true;
  s.a.configure({changed});
  CHECK(s.a.link_to("b").state == link_state::paused);
  REQUIRE(s.a.core().resume("b").has_value());
  s.settle();
  s.a.kill();
  s.a.start();
  s.settle();
}

TEST_CASE("disable and enable: the state follows at once, with a server and without", "[sim]") {
  const bool a_dials = GENERATE(true, false);
  pair s(a_dials, !a_dials);
  auto changed = link_to("a", "b", {"from-b/#"}, a_dials);
  changed.enable = false;
  s.a.configure({changed});
  CHECK(s.a.link_to("b").state == link_state::disabled);
  changed.enable = true;
  s.a.configure({changed});
  CHECK(s.a.link_to("b").state == link_state::connecting);
  s.settle();
}

TEST_CASE("purge: what waits is gone, what comes after it is carried", "[sim]") {
  pair s;
  SECTION("while the link is paused") {
    REQUIRE(s.a.core().pause("b").has_value());
    s.in.run_for(seconds(1));
    s.publish(s.a, 50);
    s.in.run_for(seconds(1));
    CHECK(s.a.core().purge("b").value() == 50);
    CHECK(s.a.link_to("b").queue_messages == 0);
    CHECK(purged_of(s.a.link_to("b")) == 50);
    REQUIRE(s.a.core().resume("b").has_value());
    s.settle();
    CHECK(s.b.arrivals().empty());
  }
  SECTION("while messages are under way") {
    for (int i = 0; i < 50; ++i) s.a.publish("from-a/x");
    s.in.run_for(milliseconds(10));
    const auto connects = s.a.link_to("b").counters.connects;
    const auto purged = s.a.core().purge("b");
    REQUIRE(purged.has_value());
    s.in.run_for(seconds(30));
    const link::link_status now = s.a.link_to("b");
    CHECK(now.counters.connects == connects);
    // Acknowledged later, they are not counted a second time.
    CHECK(purged_of(now) == *purged);
    CHECK(now.counters.messages_queued == now.counters.messages_acked + *purged);
  }
  const auto after = s.publish(s.a, 50);
  s.in.run_for(seconds(30));
  INFO(s.in.story());
  CHECK(judge(s.a, s.b, after).complete());
  CHECK(s.a.link_to("b").queue_messages == 0);
}

TEST_CASE("orders: a name that is no link is an error of its own", "[sim]") {
  pair s;
  CHECK(s.a.core().pause("c").error().code == errc::not_found);
  CHECK(s.a.core().resume("c").error().code == errc::not_found);
  CHECK(s.a.core().purge("c").error().code == errc::not_found);
  CHECK(s.a.core().interest("c").error().code == errc::not_found);
  CHECK(s.a.core().test("c", [](const link::reach_report&) {}).error().code == errc::not_found);
}

TEST_CASE("test: a link that is up says so without a dial", "[sim]") {
  pair s;
  std::optional<link::reach_report> report;
  REQUIRE(
      s.a.core().test("b", [&](link::reach_report done) { report = std::move(done); }).has_value());
  REQUIRE(report);
  CHECK(report->ok);
  CHECK(says(report->message, "the link is up: connected through"));
}

TEST_CASE("test: every server is dialled, and each tells how it went", "[sim]") {
  pair s;
  auto link = link_to("a", "b", {"#"});
  link.enable = false;
  link.servers = {{scheme::mqtt, "nowhere", 1}, {scheme::mqtt, "b", 1}};
  s.a.configure({link});
  std::optional<link::reach_report> report;
  const auto test = [&] {
    return s.a.core().test("b", [&](link::reach_report done) { report = std::move(done); });
  };
  REQUIRE(test().has_value());
  CHECK(test().error().code == errc::unavailable);
  CHECK_FALSE(report);
  REQUIRE(s.in.run_until([&] { return report.has_value(); }, seconds(60)));
  CHECK(report->ok);
  REQUIRE(report->servers.size() == 2);
  CHECK_FALSE(report->servers[0].ok);
  CHECK(says(report->servers[0].message, "connection to nowhere failed"));
  CHECK(report->servers[1].ok);
  CHECK(report->servers[1].server == "mqtt://b:1");
  report.reset();
  s.net.partition("a", "b");
  REQUIRE(test().has_value());
  REQUIRE(s.in.run_until([&] { return report.has_value(); }, seconds(60)));
  CHECK_FALSE(report->ok);
  link.servers.clear();
  s.a.configure({link});
  REQUIRE(test().has_value());
  CHECK_FALSE(report->ok);
  CHECK(says(report->message, "b dials us"));
}

TEST_CASE("interest: what both sides ask for, and what allow leaves of it", "[sim]") {
  pair s;
  auto narrow = link_to("a", "b", {"from-b/#"});
  narrow.allow = {"from-a/x"};
  s.a.configure({narrow});
  s.in.run_for(seconds(1));
  const auto interest = s.a.core().interest("b").value();
  CHECK(interest.wanted == std::vector<std::string>{"from-a/#"});
  CHECK(interest.effective == std::vector<std::string>{"from-a/x"});
  CHECK(interest.announced == std::vector<std::string>{"from-b/#"});
}

TEST_CASE("explain: says for each way what happens to a topic, and what to change", "[sim]") {
  pair s;
  auto sent = s.outgoing("from-a/x");
  CHECK(sent.wanted);
  CHECK(sent.filter == "from-a/#");
  CHECK(sent.allowed);
  CHECK(sent.allow_filter == "#");
  CHECK(sent.captured);
  CHECK(sent.state == link_state::up);
  CHECK(sent.verdict == "a message published here is sent to b");
  CHECK(says(s.outgoing("other").verdict, "b does not ask for it"));
  CHECK_FALSE(s.outgoing("$SYS/x").allowed);
  CHECK(s.incoming("from-b/1").filter == "from-b/#");
  CHECK(says(s.incoming("from-b/1").verdict, "we ask b for it by from-b/#"));
  CHECK(says(s.incoming("other").verdict, "add a filter to topics in links.d/b.yaml"));
  for (const char* no_topic : {"", "a/#", "a/+"}) {
    CHECK(s.a.core().explain(no_topic).error().code == errc::invalid);
  }

  auto narrow = link_to("a", "b", {"from-b/#"});
  narrow.allow = {"from-a/y"};
  s.a.configure({narrow});
  const auto refused = s.outgoing("from-a/x");
  CHECK(refused.wanted);
  CHECK_FALSE(refused.allowed);
  CHECK(says(refused.verdict, "add a filter to allow in links.d/b.yaml"));

  s.a.configure({link_to("a", "b", {"from-b/#"})});
  s.in.run_for(seconds(1));
  REQUIRE(s.a.core().pause("b").has_value());
  s.publish(s.a, 3);
  s.in.run_for(seconds(1));
  const auto queued = s.outgoing("from-a/x");
  CHECK(queued.state == link_state::paused);
  CHECK(queued.queue_messages == 3);
  CHECK(says(queued.verdict, "resume it"));
  CHECK(says(s.incoming("from-b/1").verdict, "but the link is paused"));

  narrow.enable = false;
  s.a.configure({narrow});
  CHECK(says(s.outgoing("from-a/x").verdict, "the link is disabled"));
  CHECK(says(s.incoming("from-b/1").verdict, "the link is disabled"));
}

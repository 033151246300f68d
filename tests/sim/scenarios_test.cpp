#include <catch2/catch.hpp>

#include "tests/sim/stage.hpp"

using namespace linkd;
using namespace linkd::sim;

TEST_CASE("pair: each side gets what it wants and nothing else, once, in order", "[sim]") {
  stage s;
  s.start_pair({"/from-b"}, {"/from-a"});
  const auto wanted = s.publish(s.a, "/from-a", 200);
  s.publish(s.a, "/other", 50);
  const auto back = s.publish(s.b, "/from-b", 200);
  s.check(s.a, s.b, wanted, 0);
  s.check(s.b, s.a, back, 0);
  s.check_quiet();
}

TEST_CASE("pair: one side that dials is enough, whichever it is", "[sim]") {
  const bool a_dials = GENERATE(true, false);
  stage s;
  s.start_pair({"#"}, {"#"}, a_dials, !a_dials);
  s.check(s.a, s.b, s.publish(s.a, "x", 100), 0);
  s.check(s.b, s.a, s.publish(s.b, "x", 100), 0);
  s.check_quiet();
}

TEST_CASE("pair: when both dial, one session stays, on the connection of the smaller name",
          "[sim]") {
  stage s(GENERATE(range(1, 20)));
  s.start_pair({"#"}, {"#"});
  s.in.run_for(seconds(60));
  CHECK(s.a.link_to("b").reason.find("connected through") == 0);
  CHECK(s.b.link_to("a").reason.find("dialled by the peer") == 0);
  const auto connects = s.a.link_to("b").counters.connects;
  s.in.run_for(seconds(300));
  CHECK(s.a.link_to("b").counters.connects == connects);
  s.check_quiet();
}

TEST_CASE("servers: tried in order, and the first is used again once a session with it stands",
          "[sim]") {
  stage s(GENERATE(range(1, 10)));
  auto to_b = link_to("a", "b", {"#"});
  to_b.servers = {{scheme::mqtt, "b1", 1}, {scheme::mqtt, "b2", 1}};
  s.net.add_name("b2", "b");
  // At the first either nobody answers, or somebody who connects and then refuses.
  if (GENERATE(false, true)) s.net.add_name("b1", "c");
  s.a.configure({to_b});
  s.b.configure({link_to("b", "a", {"#"}, false)});
  s.c.configure({});
  s.a.start();
  s.b.start();
  s.c.start();
  REQUIRE(s.in.run_until([&] { return s.a.all_links_up(); }, seconds(60)));
  CHECK(s.a.link_to("b").reason == "connected through sim://b2");
  const auto connects = s.a.link_to("b").counters.connects;
  // Attempts in vain disturb nothing.
  s.in.run_for(seconds(300));
  CHECK(s.a.link_to("b").counters.connects == connects);
  s.net.add_name("b1", "b");
  const auto numbers = s.publish(s.a, "x", 1000, milliseconds(70));
  CHECK(s.a.link_to("b").reason == "connected through sim://b1");
  s.check(s.a, s.b, numbers, 0);
  CHECK(s.a.link_to("b").counters.connects == connects + 1);
  s.check_quiet();
}

TEST_CASE("triangle: with # everywhere every message arrives once everywhere", "[sim]") {
  stage s;
  s.a.configure({link_to("a", "b", {"#"}), link_to("a", "c", {"#"})});
  s.b.configure({link_to("b", "a", {"#"}), link_to("b", "c", {"#"})});
  s.c.configure({link_to("c", "a", {"#"}), link_to("c", "b", {"#"})});
  s.a.start();
  s.b.start();
  s.c.start();
  REQUIRE(s.in.run_until(
      [&] { return s.a.all_links_up() && s.b.all_links_up() && s.c.all_links_up(); }, seconds(60)));
  s.in.run_for(seconds(1));
  const auto from_a = s.publish(s.a, "x/y", 100);
  const auto from_b = s.publish(s.b, "x/y", 100);
  const auto from_c = s.publish(s.c, "z", 100);
  s.check(s.a, s.b, from_a, 0);
  s.check(s.a, s.c, from_a, 0);
  s.check(s.b, s.a, from_b, 0);
  s.check(s.b, s.c, from_b, 0);
  s.check(s.c, s.a, from_c, 0);
  s.check(s.c, s.b, from_c, 0);
  s.check_quiet();
}

TEST_CASE("outage: what is published while the network is cut arrives afterwards, once, in order",
          "[sim]") {
  stage s(GENERATE(range(1, 10)));
  s.start_pair({"#"}, {"#"});
  s.net.partition("a", "b");
  const auto numbers = s.publish(s.a, "x", 1000, milliseconds(60));
  s.net.heal_all();
  s.check(s.a, s.b, numbers, 0);
  s.check_quiet();
}

TEST_CASE("handshake: what is delivered while it lasts is acknowledged when it is done", "[sim]") {
  stage s(GENERATE(range(1, 10)));
  s.start_pair({}, {"#"}, false, true);
  // Handed over to b's broker, which is gone before it answers.
  s.b.broker().on_linkd_call = [&](const message&) { s.b.broker().set_running(false); };
  const auto numbers = s.publish(s.a, "x", 1);
  REQUIRE(s.in.run_until([&] { return !s.b.broker().running(); }, seconds(10)));
  s.b.broker().on_linkd_call = nullptr;
  s.net.reset("a", "b");
  REQUIRE(
      s.in.run_until([&] { return s.a.link_to("b").state != link::link_state::up; }, seconds(60)));
  REQUIRE(s.in.run_until([&] { return s.a.all_links_up(); }, seconds(60)));
  s.net.silence("a", "b");  // holds back a's answer
  REQUIRE_FALSE(s.b.all_links_up());
  s.b.broker().set_running(true);
  s.in.run_for(seconds(5));
  s.net.heal("a", "b");
  s.check(s.a, s.b, numbers, 1);
  CHECK(s.in.run_until([&] { return s.a.link_to("b").queue_messages == 0; }, seconds(60)));
  s.check_quiet();
}

TEST_CASE("kill: what was acknowledged a moment before does not count as waiting afterwards",
          "[sim]") {
  stage s;
  s.start_pair({}, {"#"});
  s.check(s.a, s.b, s.publish(s.a, "x", 20), 0);
  s.publish(s.a, "x", 1);
  REQUIRE(s.in.run_until([&] { return s.a.link_to("b").queue_messages == 0; }, seconds(60)));
  s.in.run_for(2 * limits::acked_save_delay);
  s.a.kill();
  s.b.kill();  // it cannot say what it has
  s.a.start();
  s.in.run_for(seconds(1));
  CHECK(s.a.link_to("b").queue_messages == 0);
}

TEST_CASE("absence: published while b's daemon is away and a's daemon restarts, it arrives later",
          "[sim]") {
  stage s;
  s.start_pair({}, {"#"});
  s.b.kill();
  s.in.run_for(seconds(30));
  s.a.kill();
  s.a.start();
  s.in.run_for(seconds(5));
  const auto numbers = s.publish(s.a, "x", 100);
  s.b.start();
  s.check(s.a, s.b, numbers, 0);
  s.check_quiet();
}

TEST_CASE("configuration: topics taken away and given back take effect without a restart",
          "[sim]") {
  stage s;
  s.start_pair({"/from-b"}, {"/from-a"});
  const auto connects = s.a.link_to("b").counters.connects;
  s.a.configure({link_to("a", "b", {})});
  s.in.run_for(seconds(2));
  CHECK(s.b.broker().captured().empty());
  s.publish(s.b, "/from-b", 20);
  const auto to_b = s.publish(s.a, "/from-a", 20);
  s.a.configure({link_to("a", "b", {"/from-b"})});
  s.in.run_for(seconds(2));
  const auto to_a = s.publish(s.b, "/from-b", 20);
  s.check(s.b, s.a, to_a, 0);
  s.check(s.a, s.b, to_b, 0);
  CHECK(s.a.link_to("b").counters.connects == connects);
  s.check_quiet();
}

TEST_CASE("refusals: unknown, disabled and misnamed peers are told why, on both sides", "[sim]") {
  stage s;
  s.a.configure({link_to("a", "b", {"#"})});
  SECTION("unknown") {
    s.b.configure({});
  }
  SECTION("disabled") {
    auto link = link_to("b", "a", {"#"});
    link.enable = false;
    s.b.configure({link});
  }
  s.a.start();
  s.b.start();
  s.in.run_for(seconds(20));
  INFO(s.in.story());
  CHECK(s.a.link_to("b").state == link::link_state::refused);
  CHECK(s.a.link_to("b").reason.find("b refuses") == 0);
}

TEST_CASE("stop: an orderly stop loses and repeats nothing", "[sim]") {
  stage s(GENERATE(range(1, 10)));
  s.start_pair({"#"}, {"#"});
  std::vector<std::uint64_t> numbers;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 50; ++i) {
      numbers.push_back(s.a.publish("x"));
      s.in.run_for(milliseconds(1));
    }
    site& stopped = round % 2 ? s.a : s.b;
    stopped.stop();
    REQUIRE(s.in.run_until([&] { return !stopped.running(); }, seconds(10)));
    for (int i = 0; i < 20; ++i) numbers.push_back(s.a.publish("x"));
    s.in.run_for(seconds(1));
    stopped.start();
    s.in.run_for(seconds(3));
  }
  s.check(s.a, s.b, numbers, 0);
  s.check_quiet();
}

TEST_CASE("disk full: capture stops, says so, and goes on by itself when there is room", "[sim]") {
  stage s;
  s.start_pair({"#"}, {"#"});
  s.net.partition("a", "b");
  s.a.disk().set_free_bytes(0);
  std::vector<std::uint64_t> numbers;
  const std::string big(60'000, 'x');
  for (int i = 0; i < 400; ++i) {
    message what;
    what.topic = "x/" + big;
    what.qos = 1;
    what.payload = "a:" + std::to_string(i);
    s.a.broker().publish(what);
    numbers.push_back(static_cast<std::uint64_t>(i));
    s.in.run_for(milliseconds(20));
  }
  INFO(s.in.story());
  CHECK_FALSE(s.a.status().broker.up);
  CHECK(s.a.status().broker.reason.find("capture stopped") == 0);
  s.a.disk().set_free_bytes(std::nullopt);
  s.net.heal_all();
  s.check(s.a, s.b, numbers, 32);
}

TEST_CASE("disk errors: what is captured again and again is sent once more, not each time",
          "[sim]") {
  stage s;
  s.start_pair({}, {"#"});
  s.a.set_disk_delay(seconds(1));  // time for what is sent to arrive before its commit fails
  s.a.disk().fail({0, errc::no_space, true, test::storage_call::write});
  const auto numbers = s.publish(s.a, "x", 10, milliseconds(1));
  s.in.run_for(seconds(300));
  INFO(s.in.story());
  CHECK(s.b.arrivals().size() <= 10);
  CHECK(s.b.arrivals().size() > 0);
  s.a.disk().heal();
  s.check(s.a, s.b, numbers, 10);
  // What was acknowledged and lost counts once, when it has come again.
  CHECK(s.a.link_to("b").counters.messages_acked == 10);
}

TEST_CASE("crash: what was captured for a peer is wanted in the next life too", "[sim]") {
  stage s(GENERATE(range(1, 21)));
  s.start_pair({}, {"x/1"});
  const auto wants = [&](std::vector<std::string> topics) {
    s.b.configure({link_to("b", "a", topics)});
    const auto captured = [&] { return s.a.broker().captured() == topics; };
    REQUIRE(s.in.run_until(captured, seconds(10)));
  };
  wants({"x/1", "x/2"});
  wants({"x/1", "x/2", "y"});  // before the first change has been kept for long
  s.a.kill();
  s.b.kill();
  const auto numbers = s.publish(s.a, "y", 50);
  s.a.start();
  s.in.run_for(seconds(5));
  s.b.start();
  s.check(s.a, s.b, numbers, 0);
  s.check_quiet();
}

TEST_CASE("crash: what came under a queue's former id is not acknowledged before it is delivered",
          "[sim]") {
  stage s(GENERATE(range(1, 11)));
  s.start_pair({}, {"#"});
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < 60; ++i) numbers.push_back(s.a.publish("x"));
  const auto under_way = [&] {
    const auto counters = s.b.link_to("a").counters;
    return counters.messages_received > counters.messages_published;
  };
  REQUIRE(s.in.run_until(under_way, seconds(5)));
  s.b.broker().set_running(false);
  s.a.kill();
  s.a.start();
  s.in.run_for(seconds(10));
  s.b.kill();
  s.b.broker().set_running(true);
  s.b.start();
  s.check(s.a, s.b, numbers, 120);
  s.check_quiet();
}

TEST_CASE("state lost: what the broker still holds waits until what the peer wants is captured",
          "[sim]") {
  stage s(GENERATE(range(1, 80)));  // in some a session ends before the peer has told anything
  s.start_pair({}, {"#"});
  s.a.kill();
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < 50; ++i) numbers.push_back(s.a.publish("x"));
  for (const std::string& path : s.a.disk().paths()) (void)s.a.disk().remove(path);
  // With a slow one the broker comes back before the peer's interest is saved.
  s.a.set_disk_delay(GENERATE(milliseconds(2), milliseconds(5000)));
  s.a.start();
  s.check(s.a, s.b, numbers, 0);
  s.check_quiet();
}

TEST_CASE("state unusable: a link is tried again, and nothing is lost meanwhile", "[sim]") {
  stage s(GENERATE(range(1, 6)));
  s.start_pair({}, {"#"});
  s.a.kill();
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < 50; ++i) numbers.push_back(s.a.publish("x"));
  s.a.start();
  s.a.kill();
  s.a.disk().fail({8, errc::io, true, std::nullopt});  // behind the daemon's own files
  s.a.start();
  s.in.run_for(seconds(5));
  REQUIRE(s.a.running());
  CHECK(s.a.link_to("b").state == link::link_state::down);
  CHECK(s.a.link_to("b").reason.find("its state cannot be used") == 0);
  CHECK_FALSE(s.a.status().broker.up);
  s.a.disk().heal();
  s.check(s.a, s.b, numbers, 32);
  CHECK(s.a.all_links_up());
}

TEST_CASE("disk errors: each is said once for as long as it lasts, and when it is over", "[sim]") {
  stage s;
  s.start_pair({}, {"#"});
  s.b.disk().fail({0, errc::io, true, test::storage_call::write});
  auto numbers = s.publish(s.a, "x", 200, milliseconds(10));
  s.b.disk().heal();
  s.in.run_for(seconds(5));
  CHECK(s.b.errors().size() == 1);
  CHECK(s.in.story().find("cursor_saved") != std::string::npos);
  s.a.disk().fail({0, errc::io, true, test::storage_call::read});
  for (const auto each : s.publish(s.a, "x", 200, milliseconds(10))) numbers.push_back(each);
  CHECK(s.a.errors().size() == 1);
  s.a.disk().heal();
  s.check(s.a, s.b, numbers, 0);
  CHECK(s.in.story().find("queue_readable") != std::string::npos);
}

TEST_CASE("a subscription that the local broker refuses is told with its status", "[sim]") {
  stage s;
  s.a.broker().refused_filter = "#";
  s.start_pair({}, {"#"});
  INFO(s.a.status().broker.reason);
  CHECK(s.a.status().broker.reason.find("refuses our subscription to #") != std::string::npos);
  CHECK(s.in.story().find("max_topic_depth") != std::string::npos);
}

TEST_CASE("slow disk: after ten seconds it is said, and it passes", "[sim]") {
  stage s;
  s.start_pair({}, {"#"});
  s.a.set_disk_delay(seconds(60));
  std::vector<std::uint64_t> numbers;
  REQUIRE(s.in.run_until(
      [&] {
        numbers.push_back(s.a.publish("x"));
        s.in.run_for(milliseconds(100));
        return s.a.status().broker.reason.find("capture waits for the disk") == 0;
      },
      seconds(300)));
  CHECK_FALSE(s.a.status().broker.up);
  s.a.set_disk_delay(milliseconds(2));
  s.check(s.a, s.b, numbers, 0);
  CHECK(s.a.status().broker.up);
}

TEST_CASE("batches: one that was staged behind a batch that failed is not acknowledged", "[sim]") {
  stage s(GENERATE(range(1, 20)));
  s.start_pair({}, {"#"});
  s.a.set_disk_delay(seconds(5));
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < 20; ++i) {
    numbers.push_back(s.a.publish("x"));
    s.in.run_for(milliseconds(300));
    // The next batch comes over the next connection, while the first is still with the disk.
    if (i % 5 == 2) s.a.broker().drop_connection();
    if (i % 5 == 3) s.a.disk().fail({0, errc::io, false, test::storage_call::write});
  }
  s.a.disk().heal();
  s.check(s.a, s.b, numbers, 20 * 32);
}

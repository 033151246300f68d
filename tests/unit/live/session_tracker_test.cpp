#include "live/session_tracker.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace linkd::live;

namespace {

using strings = std::vector<std::string>;

// A tracker fed with the very texts of mosquitto 2.0.
struct followed {
  explicit followed(bool trust_count = false) : tracker("mqtt-linkd-a", "$LINK", trust_count) {}

  void connect(const std::string& client, const std::string& flags) {
    notice("New client connected from 127.0.0.1:1 as " + client + " (" + flags + ", k60).");
  }
  void notice(const std::string& text) {
    tracker.apply(parse_log_line(log_kind::notice, "1: " + text));
  }
  void subscribe(const std::string& text) {
    tracker.apply(parse_log_line(log_kind::subscribe, "1: " + text));
  }
  void unsubscribe(const std::string& text) {
    tracker.apply(parse_log_line(log_kind::unsubscribe, "1: " + text));
  }
  // What $SYS tells every sys_interval.
  void counts(std::uint64_t plain, std::uint64_t shared = 0) {
    tracker.on_tick();
    tracker.on_count(session_tracker::plain, plain);
    tracker.on_count(session_tracker::shared, shared);
  }
  [[nodiscard]] strings filters() const {
    auto all = tracker.filters();
    std::sort(all.begin(), all.end());
    return all;
  }

  session_tracker tracker;
};

}  // namespace

TEST_CASE("tracker: complete when the count equals what the log told", "[live]") {
  followed f;
  CHECK_FALSE(f.tracker.complete());
  f.subscribe("mqtt-linkd-a:live 1 $SYS/broker/log/N");
  f.subscribe("c1 1 a/#");
  f.counts(3);
  CHECK_FALSE(f.tracker.complete());
  CHECK(f.tracker.reason().find("1 of the broker's 3 subscriptions") == 0);
  f.subscribe("c2 0 b");  // one that was there before, made anew
  f.counts(3);
  CHECK(f.tracker.complete());
  CHECK(f.filters() == strings{"a/#", "b"});
  CHECK(f.tracker.take_difference().added.size() == 2);
}

TEST_CASE("tracker: filters come and go with their last subscriber", "[live]") {
  followed f;
  f.subscribe("c1 1 a");
  f.subscribe("c1 1 a");
  f.subscribe("c2 1 $share/g/a");
  f.counts(1, 1);
  CHECK(f.tracker.complete());
  CHECK(f.tracker.take_difference().added == strings{"a"});
  f.unsubscribe("c1 a");
  f.unsubscribe("c1 never/subscribed");
  CHECK(f.tracker.take_difference().removed.empty());
  f.unsubscribe("c2 $share/g/a");
  CHECK(f.tracker.take_difference().removed == strings{"a"});
  f.subscribe("c2 1 b");
  f.unsubscribe("c2 b");
  const auto none = f.tracker.take_difference();
  CHECK(none.added.empty());
  CHECK(none.removed.empty());
}

TEST_CASE("tracker: a session of MQTT 3.1.1 ends as its clean flag says", "[live]") {
  followed f;
  f.counts(0);
  f.connect("c", "p2, c1");
  f.subscribe("c 1 a");
  f.connect("p", "p2, c0");
  f.subscribe("p 1 b");
  f.notice("Client c disconnected.");
  f.notice("Client p disconnected.");
  CHECK(f.filters() == strings{"b"});
  f.counts(1);
  CHECK(f.tracker.complete());
  SECTION("it expires") {
    f.notice("Expiring client p due to timeout.");
  }
  SECTION("it begins anew") {
    f.connect("p", "p2, c1");
  }
  CHECK(f.filters().empty());
}

TEST_CASE("tracker: whether a session of MQTT 5 outlives its connection the count tells",
          "[live]") {
  followed f;
  f.counts(0);
  f.connect("c", "p5, c1");
  f.subscribe("c 1 a");
  f.subscribe("c 1 b");
  f.notice("Client c closed its connection.");
  CHECK(f.filters() == strings{"a", "b"});  // doubtful
  SECTION("gone") {
    f.counts(0);
    CHECK(f.filters().empty());
  }
  SECTION("kept") {
    f.counts(2);
    CHECK(f.filters() == strings{"a", "b"});
    f.connect("d", "p5, c1");
    f.subscribe("d 1 x");
    f.notice("Client d disconnected.");
    f.counts(2);
    CHECK(f.filters() == strings{"a", "b"});
  }
  CHECK(f.tracker.complete());
}

TEST_CASE("tracker: doubt that a count leaves open does not touch later sessions", "[live]") {
  followed f;
  f.counts(0);
  for (const auto* client : {"stays", "goes"}) {
    f.connect(client, "p5, c1");
    f.subscribe(std::string(client) + " 1 " + client);
    f.notice("Client " + std::string(client) + " disconnected.");
  }
  f.counts(1);
  CHECK(f.filters() == strings{"goes", "stays"});
  f.connect("later", "p5, c1");
  f.subscribe("later 1 later");
  f.notice("Client later disconnected.");
  SECTION("gone") {
    f.counts(1);
    CHECK(f.filters() == strings{"goes", "stays"});
  }
  SECTION("there") {
    f.counts(2);
    CHECK(f.filters() == strings{"goes", "later", "stays"});
    f.notice("Expiring client stays due to timeout.");
    f.counts(1);
    CHECK(f.filters() == strings{"later"});
  }
  CHECK(f.tracker.complete());
}

TEST_CASE("tracker: a client that takes over a session keeps or ends it", "[live]") {
  followed f;
  f.counts(0);
  f.connect("c", "p2, c0");
  f.subscribe("c 1 a");
  f.connect("c", "p2, c0");
  CHECK(f.filters() == strings{"a"});
  f.connect("c", "p2, c1");
  CHECK(f.filters().empty());
  f.subscribe("c 1 b");
  f.connect("c", "p2, c0");  // the old session was one of a clean start
  CHECK(f.filters().empty());
}

TEST_CASE("tracker: somebody who only tries a client id ends nobody's session", "[live]") {
  followed f;
  f.counts(0);
  f.connect("c", "p2, c1");
  f.subscribe("c 1 a");
  f.notice("Client c disconnected, not authorised.");
  CHECK(f.filters() == strings{"a"});
  f.counts(1);
  CHECK(f.filters() == strings{"a"});
  CHECK(f.tracker.complete());
  f.notice("Client c closed its connection.");
  CHECK(f.filters().empty());
}

TEST_CASE("tracker: a count out of range means that lines were lost", "[live]") {
  followed f;
  f.connect("c", "p2, c1");
  f.subscribe("c 1 a");
  f.counts(1);
  REQUIRE(f.tracker.complete());
  SECTION("more") {
    f.counts(2);
    CHECK(f.tracker.reason().find("lost") != std::string::npos);
  }
  SECTION("fewer") {
    f.counts(0);
    CHECK(f.tracker.reason().find("log_type") != std::string::npos);
  }
  SECTION("a line that cannot be read") {
    f.subscribe("nonsense");
  }
  SECTION("told by the broker") {
    f.notice("Outgoing messages are being dropped for client mqtt-linkd-a:live.");
  }
  CHECK_FALSE(f.tracker.complete());
  CHECK(f.filters().empty());
}

TEST_CASE("tracker: a count that does not change is not told, and still counts", "[live]") {
  followed f;
  f.tracker.on_old_count(session_tracker::shared, 0);
  f.tracker.on_tick();
  f.subscribe("c 1 a");
  CHECK_FALSE(f.tracker.complete());
  f.tracker.on_tick();  // the shared count was 0 at the last tick as well, and nothing came since
  f.tracker.on_count(session_tracker::plain, 1);
  CHECK(f.tracker.complete());
}

TEST_CASE("tracker: a count of an earlier connection proves nothing", "[live]") {
  followed f;
  f.counts(0);
  REQUIRE(f.tracker.complete());
  f.tracker.on_gap("restarted");
  f.tracker.on_connection();
  f.tracker.on_tick();
  f.tracker.on_tick();
  CHECK_FALSE(f.tracker.complete());
  f.counts(0);
  CHECK(f.tracker.complete());
}

TEST_CASE("tracker: after a gap only trust_count goes on with what was known", "[live]") {
  const bool trust = GENERATE(false, true);
  followed f(trust);
  f.subscribe("c 1 a");
  f.counts(1);
  REQUIRE(f.tracker.complete());
  f.tracker.on_gap("away");
  CHECK_FALSE(f.tracker.complete());
  CHECK(f.tracker.reason() == "away");
  f.counts(1);
  CHECK(f.tracker.complete() == trust);
  CHECK(f.filters() == (trust ? strings{"a"} : strings{}));
}

TEST_CASE("tracker: an ambiguous line is both", "[live]") {
  followed f;
  f.counts(0);
  f.connect("a", "p2, c1");
  f.connect("a 1 b", "p2, c1");
  f.subscribe("a 1 b 1 c");
  CHECK(f.filters() == strings{"b 1 c", "c"});
  f.counts(1);
  CHECK(f.tracker.complete());
  CHECK(f.filters() == strings{"b 1 c", "c"});
  f.notice("Client a disconnected.");
  f.counts(1);
  CHECK(f.filters() == strings{"c"});
}

TEST_CASE("tracker: what is saved is restored", "[live]") {
  followed f;
  f.connect("c", "p5, c0");
  f.subscribe("c 1 a");
  f.subscribe("d 1 $share/g/b");
  f.counts(1, 1);
  f.notice("Client c disconnected.");
  followed again;
  REQUIRE(again.tracker.restore(f.tracker.save()));
  CHECK(again.tracker.complete());
  CHECK(again.filters() == f.filters());
  again.counts(0, 1);
  CHECK(again.filters() == strings{"b"});
  const auto saved = f.tracker.save();
  for (std::size_t size = 0; size < saved.size(); ++size) {
    CAPTURE(size);
    REQUIRE_FALSE(again.tracker.restore(saved.substr(0, size)));
    REQUIRE(again.filters().empty());
  }
}

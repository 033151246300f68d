#include <catch2/catch.hpp>

#include "tests/contract/subscription_world.hpp"
#include "tests/support/mosquitto_broker.hpp"
#include "tests/support/mqtt_peer.hpp"

// The mosquitto source and the broker itself.
using namespace linkd;
using namespace linkd::test;

namespace {

const std::string followed =
    "persistence true\npersistence_location {dir}/\nmax_queued_messages 0\nsys_interval 1\n"
    "log_dest topic\nlog_type notice\nlog_type subscribe\nlog_type unsubscribe\n";

using view = subscription_world::view;

struct stage : subscription_world {
  stage() : subscription_world(interest_source::mosquitto), broker(followed) {
    settings.broker.server = broker.address();
  }
  // Our session is there, and the broker starts again: its log is followed from the beginning.
  void follow() {
    start();
    REQUIRE(run_until(io, [&] { return complete || reason.find("older") != std::string::npos; }));
    restart_broker();
  }
  void restart_broker() {
    const int before = views;
    broker.stop();
    broker.start();
    CAPTURE(reason);
    REQUIRE(run_until(io, [&] { return views > before && complete; }));
  }
  mqtt_peer client(const std::string& id, std::vector<std::string> with) const {
    return mqtt_peer({.port = broker.port(), .client_id = id, .filters = std::move(with)});
  }

  mosquitto_broker broker;
};

}  // namespace

TEST_CASE("mosquitto source: follows a real broker, and what is not interest does not count") {
  stage s;
  s.follow();
  CHECK(s.filters.empty());
  const mqtt_peer plain = s.client("plain", {"a/+", "b/#"});
  REQUIRE(s.until_complete({"a/+", "b/#"}));
  const mqtt_peer shared = s.client("shared", {"$share/group/jobs/+"});
  REQUIRE(s.until_complete({"a/+", "b/#", "jobs/+"}));
  const mqtt_peer ours = s.client("mqtt-linkd-rome", {"rome/#"});
  const mqtt_peer own = s.client("mqtt-linkd-paris:x", {"own/#"});
  const mqtt_peer system = s.client("system", {"$SYS/broker/uptime", "$LINK/paris/from/rome"});
  const mqtt_peer spaced = s.client("with a 1 space", {"c d/1 e"});
  REQUIRE(s.until_complete({"a/+", "b/#", "jobs/+", "c d/1 e"}));
  // Its session stays; that is known at the next count.
  { const mqtt_peer gone = s.client("gone", {"kept"}); }
  REQUIRE(run_until(s.io, [&] { return s.note.starts_with("1 subscriptions of ended"); }));
  REQUIRE(run_until(s.io, [&] { return s.note.empty(); }));
  CHECK(s.filters.count("kept") == 1);
  const std::string level(900, 'x');  // its line is cut
  const mqtt_peer cut = s.client("cut", {"deep/" + level + "/" + level});
  REQUIRE(run_until(s.io, [&] {
    return s.complete && s.filters.count("deep/#") + s.filters.count("deep/" + level + "/#") > 0;
  }));
  s.stop();
}

TEST_CASE("mosquitto source: an absence that was too long is told, and mended by a restart") {
  stage s;
  s.follow();
  const mqtt_peer before = s.client("before", {"t/1"});
  REQUIRE(s.until_complete({"t/1"}));
  const bool is_long = GENERATE(false, true);
  s.stop();
  const mqtt_peer meanwhile = s.client("meanwhile", {"t/2"});
  if (is_long) s.time.skew += seconds(21);  // what was logged for us is gone
  s.reason.clear();
  s.start();
  if (is_long) {
    REQUIRE(s.until_unknown("older than our view of its log"));
    s.restart_broker();
  }
  CHECK(s.until_complete({"t/1", "t/2"}));
  // It may have waited for the broker's count; nothing was missed.
  if (!is_long) CHECK_THAT(s.reason, !Catch::Contains("older"));
  s.stop();
}

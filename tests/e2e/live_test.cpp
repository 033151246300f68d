#include <signal.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <memory>

#include "tests/e2e/http.hpp"
#include "tests/e2e/site.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/mqtt_peer.hpp"

// Live interest with the `mosquitto` source: with topics ["#"] on both sides only what somebody at
// the other side is subscribed to crosses.
using namespace linkd;
using namespace linkd::test;

namespace {

constexpr const char* live_yaml = "interest: {source: mosquitto, linger: 1s}\n";
// $SYS counts every 2 s instead of every 10 s.
constexpr const char* log_topics = "log_dest topic\nsys_interval 1\n";

bool complete(const site& at) {
  return at.metric("mqtt_linkd_interest_complete") == 1;
}

double captured(const site& at) {
  return at.metric("mqtt_linkd_messages_captured_total");
}

bool captures_nothing(const site& at) {
  return at.metric("mqtt_linkd_capture_filters") == 0;
}

// Why there is no view now, as the API tells it.
bool incomplete(const site& at, std::string_view because) {
  const std::string status = http_get(at.admin_port(), "/api/v1/status").body;
  return status.find("\"complete\":false") != std::string::npos &&
         status.find(because) != std::string::npos;
}

// The broker's counts have come and been compared with its log.
bool decided(const site& at) {
  return complete(at) || incomplete(at, "older than our view of its log");
}

bool captures_only(const site& at, std::string_view filter) {
  return at.captures(filter) && at.metric("mqtt_linkd_capture_filters") == 1;
}

// How often the daemon has said that it has no view.
std::size_t views_lost(const site& at) {
  const std::string log = at.daemon_log();
  const std::string event = "interest_static";
  std::size_t count = 0;
  for (auto found = log.find(event); found != std::string::npos; found = log.find(event, found + 1))
    ++count;
  return count;
}

// The broker starts again; returns when the daemon's view of the earlier run is gone. From then on
// the log is followed from the beginning.
void start_broker_again(site& at) {
  const std::size_t before = views_lost(at);
  at.broker().start();
  REQUIRE(eventually(patience, [&] { return views_lost(at) > before; }));
}
void restart_broker(site& at) {
  at.broker().stop();
  start_broker_again(at);
}

// What a broker is told to do at its next start.
void set_log_topics(site& at, bool on) {
  const auto file = at.broker().directory() / "mosquitto.conf";
  std::string text = read_file(file);
  const std::string wanted = on ? "log_dest topic" : "#log_dest topic";
  const std::string other = on ? "#log_dest topic" : "log_dest topic";
  text.replace(text.find(other), other.size(), wanted);
  write_file(file, text);
}

struct pair_of_sites {
  pair_of_sites() : a("A", {}, live_yaml, log_topics), b("B", {}, live_yaml, log_topics) {
    a.write_link("B", b.door(transport::mqtt), {"#"});
    b.write_link("A", a.door(transport::mqtt), {"#"});
    a.start_daemon();
    b.start_daemon();
    REQUIRE(eventually(patience, [&] { return linked(a, b); }));
    // Our session at each broker is there, and saved, before the broker restarts.
    REQUIRE(eventually(patience, [&] { return decided(a) && decided(b); }));
    restart_broker(a);
    restart_broker(b);
    REQUIRE(eventually(patience, [&] { return complete(a) && complete(b); }));
    REQUIRE(eventually(patience, [&] { return linked(a, b); }));
    REQUIRE(eventually(patience, [&] { return captures_nothing(a) && captures_nothing(b); }));
    at_a = std::make_unique<mqtt_peer>(
        mqtt_peer_settings{.port = a.broker_port(), .client_id = "publisher"});
  }

  // An application that subscribes with a clean session, until it is destroyed.
  static process subscriber(const site& at, const std::string& filter, const strings& more = {}) {
    strings arguments{
        "mosquitto_sub", "-h", "127.0.0.1", "-p", std::to_string(at.broker_port()), "-q", "1", "-t",
        filter};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return process({arguments, {}, at.directory() / "subscriber.log"});
  }
  // Messages that nobody may want; true if none crossed.
  bool none_crosses(const std::string& topic) {
    const double before = captured(a);
    publish(topic, 10);
    // Behind them in the same connection of the same publisher.
    return captured(a) == before;
  }
  void publish(const std::string& topic, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      message what;
      what.topic = topic;
      what.payload = std::to_string(i);
      what.qos = 1;
      at_a->publish(what);
    }
    published += count;
    REQUIRE(at_a->await_accepted(published, patience));
  }

  site a, b;
  std::unique_ptr<mqtt_peer> at_a;
  std::size_t published = 0;
};

}  // namespace

TEST_CASE("live: nothing crosses before a client subscribes nor after its clean session ends") {
  pair_of_sites s;
  CHECK(s.none_crosses("t/1"));
  {
    const auto version = GENERATE(as<std::string>(), "5", "311");
    CAPTURE(version);
    process client = pair_of_sites::subscriber(s.b, "t/1", {"-V", version});
    REQUIRE(eventually(patience, [&] { return s.a.captures("t/1"); }));
    s.publish("t/1", 10);
    s.publish("t/2", 10);
    CHECK(eventually(patience, [&] { return captured(s.a) == 10; }));
    CHECK(eventually(patience, [&] {
      return s.b.metric("mqtt_linkd_messages_received_total", {"link=\"A\""}) == 10;
    }));
    client.signal(SIGTERM);
    REQUIRE(client.wait(patience));
  }
  REQUIRE(eventually(patience, [&] { return captures_nothing(s.a); }));
  CHECK(s.none_crosses("t/1"));
  CHECK(complete(s.b));
}

TEST_CASE("live: an offline persistent session and a shared group keep messages coming") {
  pair_of_sites s;
  {
    mqtt_peer offline(
        {.port = s.b.broker_port(), .client_id = "offline", .filters = {"t/offline"}});
  }
  process member = pair_of_sites::subscriber(s.b, "$share/group/t/shared", {"-V", "5"});
  REQUIRE(
      eventually(patience, [&] { return s.a.captures("t/offline") && s.a.captures("t/shared"); }));
  // Until what came and went later is withdrawn: the linger time is over for all of them.
  process probe = pair_of_sites::subscriber(s.b, "t/probe");
  REQUIRE(eventually(patience, [&] { return s.a.captures("t/probe"); }));
  probe.signal(SIGTERM);
  REQUIRE(probe.wait(patience));
  REQUIRE(eventually(patience, [&] {
    return !s.a.captures("t/probe") && s.a.metric("mqtt_linkd_capture_filters") == 2;
  }));
  s.publish("t/offline", 10);
  s.publish("t/shared", 10);
  CHECK(eventually(patience, [&] { return captured(s.a) == 20; }));
  mqtt_peer back({.port = s.b.broker_port(), .client_id = "offline", .filters = {"t/offline"}});
  CHECK(back.await_arrivals(10, patience));
}

TEST_CASE("live: a daemon that is killed and started again soon knows everything at once") {
  pair_of_sites s;
  process client = pair_of_sites::subscriber(s.b, "t/1");
  REQUIRE(eventually(patience, [&] { return s.a.captures("t/1"); }));
  const bool killed = GENERATE(true, false);
  CAPTURE(killed);
  if (killed) {
    s.b.kill_daemon();
  } else {
    CHECK(s.b.stop_daemon() == 0);
  }
  process second = pair_of_sites::subscriber(s.b, "t/2");  // while nobody looks
  s.b.start_daemon();
  REQUIRE(eventually(patience, [&] { return s.a.captures("t/2"); }));
  REQUIRE(eventually(patience, [&] { return complete(s.b); }));
  REQUIRE(eventually(patience, [&] { return linked(s.a, s.b); }));
  REQUIRE(eventually(patience, [&] { return s.a.metric("mqtt_linkd_capture_filters") == 2; }));
  CHECK(s.none_crosses("t/3"));
}

TEST_CASE("live: a daemon that does not know what it missed is static, says so, and comes back") {
  pair_of_sites s;
  process client = pair_of_sites::subscriber(s.b, "t/1");
  REQUIRE(eventually(patience, [&] { return s.a.captures("t/1"); }));
  s.b.kill_daemon();
  std::filesystem::remove(s.b.directory() / "state/live.journal");
  s.b.start_daemon();
  REQUIRE(eventually(patience, [&] { return captures_only(s.a, "#"); }));
  REQUIRE(eventually(patience, [&] { return incomplete(s.b, "older than our view of its log"); }));
  restart_broker(s.b);
  REQUIRE(eventually(patience, [&] { return complete(s.b); }));
  REQUIRE(eventually(patience, [&] { return captures_only(s.a, "t/1"); }));
}

TEST_CASE("live: without the log topics the interest is static and the log says what to do") {
  site a("A", {}, live_yaml, "sys_interval 1\n");
  a.start_daemon();
  CHECK(eventually(patience, [&] { return incomplete(a, "mosquitto-linkd.conf"); }));
}

TEST_CASE("live: a daemon that was away for long asks for everything until it can know again") {
  pair_of_sites s;
  process client = pair_of_sites::subscriber(s.b, "t/1");
  REQUIRE(eventually(patience, [&] { return s.a.captures("t/1"); }));
  s.b.kill_daemon();
  const auto killed_at = std::chrono::steady_clock::now();
  process second = pair_of_sites::subscriber(s.b, "t/2");  // nobody will ever tell us
  // Log messages live for 20 s.
  REQUIRE(eventually(patience, [&] {
    return std::chrono::steady_clock::now() - killed_at > std::chrono::seconds(21);
  }));
  CHECK(s.a.captures("t/1"));  // meanwhile
  s.b.start_daemon();
  REQUIRE(eventually(patience, [&] { return incomplete(s.b, "older than our view of its log"); }));
  REQUIRE(eventually(patience, [&] { return captures_only(s.a, "#"); }));
  s.publish("t/2", 10);
  CHECK(eventually(patience, [&] {
    return s.b.metric("mqtt_linkd_messages_received_total", {"link=\"A\""}) == 10;
  }));
  restart_broker(s.b);
  REQUIRE(eventually(patience, [&] { return complete(s.b); }));
  CHECK(eventually(patience, [&] {
    return s.a.captures("t/1") && s.a.captures("t/2") &&
           s.a.metric("mqtt_linkd_capture_filters") == 2;
  }));
}

TEST_CASE("live: whatever a broker forgets when it restarts, what is wanted crosses") {
  pair_of_sites s;
  // Captured at B when its broker stores its sessions, and withdrawn since.
  process gone = pair_of_sites::subscriber(s.a, "t/gone");
  REQUIRE(eventually(patience, [&] { return s.b.captures("t/gone"); }));
  restart_broker(s.b);
  REQUIRE(eventually(patience, [&] { return complete(s.b) && linked(s.a, s.b); }));
  gone.signal(SIGTERM);
  REQUIRE(gone.wait(patience));
  REQUIRE(eventually(patience, [&] { return captures_nothing(s.b); }));
  process client = pair_of_sites::subscriber(s.b, "t/1");
  REQUIRE(eventually(patience, [&] { return s.a.captures("t/1"); }));
  const bool killed = GENERATE(false, true);
  const bool persistent = GENERATE(true, false);
  CAPTURE(killed, persistent);
  if (killed) {
    s.b.broker().kill();  // it goes back to what it stored
  } else {
    s.b.broker().stop();
  }
  if (!persistent) std::filesystem::remove(s.b.broker().directory() / "mosquitto.db");
  start_broker_again(s.b);
  if (persistent) {
    REQUIRE(eventually(patience, [&] { return complete(s.b); }));
  } else {  // whether our session is there before the client is a matter of luck
    REQUIRE(eventually(patience, [&] { return decided(s.b); }));
  }
  REQUIRE(eventually(patience, [&] { return linked(s.a, s.b); }));
  CHECK(eventually(patience, [&] { return captures_only(s.a, complete(s.b) ? "t/1" : "#"); }));
  s.publish("t/1", 10);
  CHECK(eventually(patience, [&] {
    return s.b.metric("mqtt_linkd_messages_received_total", {"link=\"A\""}) == 10;
  }));
  if (persistent) return;
  restart_broker(s.b);  // our sessions are kept from now on
  REQUIRE(eventually(patience, [&] { return complete(s.b); }));
  CHECK(eventually(patience, [&] { return captures_only(s.a, "t/1"); }));
}

TEST_CASE("live: log topics that are switched off mean static interest until they are back") {
  pair_of_sites s;
  set_log_topics(s.b, false);
  restart_broker(s.b);
  REQUIRE(eventually(patience, [&] { return incomplete(s.b, "mosquitto-linkd.conf"); }));
  CHECK(eventually(patience, [&] { return captures_only(s.a, "#"); }));
  set_log_topics(s.b, true);
  restart_broker(s.b);
  REQUIRE(eventually(patience, [&] { return complete(s.b); }));
  CHECK(eventually(patience, [&] { return captures_nothing(s.a); }));
}

// What brokers do: restarts, lost sessions, refusals, limits, messages they cannot take.
#include <catch2/catch.hpp>
#include <filesystem>
#include <iostream>

#include "mqtt_linkd/limits.hpp"
#include "platform/posix_storage.hpp"
#include "queue/link_queue.hpp"
#include "tests/e2e/one_way.hpp"
#include "tests/fault/faults.hpp"
#include "tests/support/eventually.hpp"
#include "wire/record.hpp"

using namespace linkd;
using namespace linkd::test;
using namespace std::chrono_literals;

namespace {

double rejected(const site& at, const std::string& peer) {
  return at.metric("mqtt_linkd_messages_dropped_total",
                   {"link=\"" + peer + '"', "reason=\"rejected\""});
}

std::string dead_letters(const site& at, const std::string& peer) {
  std::string all;
  for (const auto& each :
       std::filesystem::directory_iterator(at.state() / "links" / peer / "dead-letters")) {
    all += read_file(each.path());
  }
  return all;
}

std::size_t count(const std::string& text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

message to(std::string topic, std::size_t payload_bytes) {
  message made;
  made.topic = std::move(topic);
  made.payload = std::string(payload_bytes, 'x');
  made.qos = 1;
  return made;
}

// B's broker does not take `poison`: it becomes a dead letter with this reason within 10 s of its
// arrival there, and what comes behind it flows.
void check_poison(one_way& link, message poison, std::string_view reason, std::string_view name) {
  link.publish(100);
  const std::string topic = poison.topic;
  link.publisher->publish(std::move(poison));
  const auto sent_at = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < 100; ++i) link.publish(1);
  REQUIRE(link.subscriber->await_arrivals(200, patience));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - sent_at;
  link.fault_ended();
  CHECK(link.publisher->await_accepted(201, patience));
  CHECK(eventually(patience, [&] { return rejected(link.b, "A") == 1; }));
  CHECK(eventually(patience, [&] { return !dead_letters(link.b, "A").empty(); }));
  const std::string letter = dead_letters(link.b, "A");
  CHECK_THAT(letter, Catch::Contains(std::string(reason)));
  CHECK_THAT(letter, Catch::Contains(topic));
  const ledger found = link.settled();
  std::cout << name << ": everything behind it had arrived after " << took.count() << " s\n";
  report(name, "dead letter, the rest flows", 1, link, found);
  CAPTURE(found);
  CHECK(found.missing == 0);
  CHECK(found.overtaken == 0);
  // What was in flight beside it when the broker closed the connection, twice.
  CHECK(found.repeated <= 3 * limits::publishes_inflight_max);
}

// As if `at`, which is stopped, had captured it for `peer` from a broker that takes more than ours.
void queue_by_hand(const site& at, const std::string& peer, const message& what) {
  platform::posix_storage disk(at.state().string());
  std::vector<queue::damage> found;
  const auto messages =
      queue::link_queue::open(disk, "links/" + peer + "/queue", {}, 7, stamp{}, found);
  REQUIRE(messages.has_value());
  const stamp now = std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
  REQUIRE((*messages)->append(wire::encode_record(now, what), now));
  const auto job = (*messages)->start_commit();
  REQUIRE(job);
  job->run();
  REQUIRE((*messages)->finish_commit(job, 0x77).has_value());
}

}  // namespace

TEST_CASE("broker: either broker restarted every 5 s keeps nothing from arriving") {
  const std::size_t restarts = rounds(4, 60);
  one_way link(300);
  for (std::size_t i = 0; i < restarts; ++i) {
    const std::size_t accepted = link.publisher->accepted();
    link.publish(600);
    REQUIRE(link.publisher->await_accepted(accepted + 300, recovery));
    site& restarted = i % 2 == 0 ? link.a : link.b;
    restarted.broker().stop();
    restarted.broker().start();
  }
  link.fault_ended();
  const ledger found = link.settled();
  report("broker restarted every few seconds", "SIGTERM, persistence true", restarts, link, found);
  CAPTURE(found);
  CHECK(found.missing == 0);
  CHECK(found.overtaken == 0);
  CHECK(found.repeated <= restarts * (100 + 1000 + limits::publishes_inflight_max));
}

TEST_CASE("broker: a session that the broker lost is detected, counted, and told: gap possible") {
  const std::size_t kills = rounds(2, 20);
  one_way link(0);
  CHECK(link.a.metric("mqtt_linkd_broker_sessions_lost_total") == 0);
  for (std::size_t i = 1; i <= kills; ++i) {
    link.a.broker().kill();  // mosquitto writes its sessions down every 1800 s only
    link.a.broker().start();
    REQUIRE(eventually(recovery, [&] {
      return link.a.metric("mqtt_linkd_broker_sessions_lost_total") == double(i) && link.works();
    }));
    CHECK(count(link.a.daemon_log(), "gap possible") == i);
    link.publish(100);
    REQUIRE(link.subscriber->await_arrivals(link.sent, recovery));
  }
  link.fault_ended();
  const ledger found = link.settled();
  report("broker lost our session", "SIGKILL of mosquitto; counted and told each time", kills, link,
         found);
  CHECK(found.missing == 0);
}

TEST_CASE("broker: another client with our id is named as the cause, and everything comes back") {
  one_way link(0);
  const auto told = [&] {
    return link.a.daemon_log().find("perhaps another client uses the client id mqtt-linkd-A") !=
           std::string::npos;
  };
  std::size_t takeovers = 0;
  REQUIRE(eventually(recovery, [&] {
    const mqtt_peer thief({.port = link.a.broker_port(), .client_id = "mqtt-linkd-A"});
    ++takeovers;
    REQUIRE(
        eventually(recovery, [&] { return link.a.metric("mqtt_linkd_broker_up") == 0 || told(); }));
    REQUIRE(
        eventually(recovery, [&] { return link.a.metric("mqtt_linkd_broker_up") == 1 || told(); }));
    return told();
  }));
  REQUIRE(eventually(recovery, [&] { return link.works(); }));
  link.fault_ended();
  link.publish(500);
  const ledger found = link.settled();
  report("client id taken over again and again", "a second client with our id", takeovers, link,
         found);
  CHECK(found == ledger{});
}

TEST_CASE("broker: a message over its size limit is a dead letter, the next ones flow") {
  SECTION("MQTT 5, refused with a reason code") {
    one_way link({.mosquitto_conf_b = "message_size_limit 10000\n"});
    check_poison(link, to("orders/large", 20'000), "0x95", "message too large (PUBACK 0x95)");
  }
  SECTION("MQTT 5, announced in CONNACK") {
    one_way link({.mosquitto_conf_b = "max_packet_size 10000\n"});
    check_poison(link, to("orders/large", 20'000), "larger than the broker's maximum packet size",
                 "message too large (Maximum Packet Size)");
  }
  SECTION("MQTT 3.1.1: the broker closes the connection") {
    one_way link(
        {.mosquitto_conf_b = "max_packet_size 10000\n", .broker_yaml_b = "  protocol: 3.1.1\n"});
    check_poison(link, to("orders/large", 20'000), "closed the connection",
                 "poison: the broker closes the connection");
  }
}

TEST_CASE("broker: a topic with more levels than it takes is a dead letter, the next ones flow") {
  one_way link(0);
  link.publish(100);
  REQUIRE(link.subscriber->await_arrivals(100, patience));
  REQUIRE(link.a.stop_daemon() == 0);
  queue_by_hand(link.a, "B", to("orders/deep" + std::string(499, '/'), 10));  // mosquitto: 200
  link.a.start_daemon();
  link.publish(100);
  link.fault_ended();
  const ledger found = link.settled();
  CHECK(eventually(patience, [&] { return rejected(link.b, "A") == 1; }));
  CHECK(eventually(patience, [&] { return !dead_letters(link.b, "A").empty(); }));
  // Before it is sent: the broker, which would close the connection on it, has told what it is.
  CHECK_THAT(dead_letters(link.b, "A"), Catch::Contains("the 200 levels that mosquitto carries"));
  CHECK_THAT(dead_letters(link.b, "A"), Catch::Contains("orders/deep//"));
  report("poison: topic of 500 levels", "dead letter, the rest flows", 1, link, found);
  CHECK(found == ledger{});
}

TEST_CASE("broker: what an ACL forbids us to publish is a dead letter, the next ones flow") {
  const temp_dir directory;
  write_file(directory.path() / "acl",
             "topic read #\ntopic readwrite orders/new\ntopic readwrite $LINK/#\n");
  std::filesystem::permissions(directory.path() / "acl", std::filesystem::perms(0700));
  const std::string conf = "acl_file " + (directory.path() / "acl").string() + "\n";
  one_way link({.mosquitto_conf_b = conf});
  check_poison(link, to("orders/secret", 10), "0x87 not authorized", "ACL denies a publish");
}

TEST_CASE("broker: what the local broker drops before we see it is told with the setting") {
  one_way link({.mosquitto_conf_a = "sys_interval 1\nmax_queued_messages 10\n"});
  {  // a client that stays away while more is published for it than the broker keeps
    const mqtt_peer away(
        {.port = link.a.broker_port(), .client_id = "away", .filters = {"orders/#"}});
  }
  // The first value it says is history.
  REQUIRE(eventually(patience, [&] { return link.a.metric("mqtt_linkd_broker_up") == 1; }));
  std::this_thread::sleep_for(2500ms);
  link.publish(500);
  CHECK(eventually(patience, [&] {
    const std::string log = link.a.daemon_log();
    return log.find("broker_drops") != std::string::npos &&
           log.find("max_queued_messages") != std::string::npos;
  }));
}

TEST_CASE("broker: overflow and age are counted, and told once at the start and end of each") {
  SECTION("overflow") {
    one_way link({.payload_bytes = 8000, .queue_yaml = "queue: { max_bytes: 1MiB }\n"});
    REQUIRE(link.b.stop_daemon() == 0);
    link.publish(400);
    REQUIRE(link.publisher->await_accepted(400, patience));
    const auto dropped = [&] {
      return link.a.metric("mqtt_linkd_messages_dropped_total",
                           {"link=\"B\"", "reason=\"overflow\""});
    };
    REQUIRE(eventually(patience, [&] { return dropped() + link.a.waiting_for("B") == 400; }));
    CHECK(dropped() > 200);
    // Segments are the unit of what is dropped; one spare is kept.
    CHECK(eventually(patience, [&] {
      return directory_bytes(link.a.state() / "links/B/queue") <= (1u << 20) + 2 * 65536 + 4096;
    }));
    link.b.start_daemon();
    REQUIRE(eventually(recovery, [&] { return link.a.waiting_for("B") == 0; }));
    const books now = books_of(link.a, "B");
    CAPTURE(now);
    CHECK(now.balanced());
    // Acknowledged is what London's broker took; its subscriber gets it a little later.
    const auto kept = std::size_t(400 - dropped());
    CHECK(link.subscriber->await_arrivals(kept, patience));
    CHECK(link.subscriber->arrived() == kept);
    CHECK(eventually(patience,
                     [&] { return count(link.a.daemon_log(), "queue_overflow_ended") == 1; }));
    CHECK(count(link.a.daemon_log(), "the queue is full (queue.max_bytes)") == 1);
    std::cout << "overflow: " << dropped() << " of 400 dropped, all counted\n";
  }
  SECTION("age") {
    one_way link({.queue_yaml = "queue: { max_age: 1s }\n"});
    REQUIRE(link.b.stop_daemon() == 0);
    link.publish(100);
    REQUIRE(eventually(patience, [&] {
      return link.a.metric("mqtt_linkd_messages_dropped_total", {"link=\"B\"", "reason=\"age\""}) ==
             100;
    }));
    CHECK(link.a.waiting_for("B") == 0);
    CHECK(eventually(60s, [&] { return count(link.a.daemon_log(), "queue_age_ended") == 1; }));
    CHECK(count(link.a.daemon_log(), "have waited longer than queue.max_age") == 1);
    const books now = books_of(link.a, "B");
    CAPTURE(now);
    CHECK(now.balanced());
  }
}

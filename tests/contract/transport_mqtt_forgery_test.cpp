#include <catch2/catch.hpp>

#include "tests/contract/mqtt_world.hpp"
#include "tests/support/mqtt_peer.hpp"
#include "tests/support/temp_dir.hpp"

// What others who may use the broker can do to a path: strangers, forgers, whoever repeats.

using namespace linkd;
using namespace linkd::test;
using Catch::Matchers::Contains;
using contract::connected;
using contract::host;
using contract::recorded_path;

namespace {

constexpr const char* to_paris = "$LINK/paris/from/london";
constexpr const char* to_london = "$LINK/london/from/paris";

void give_key(mqtt_world& world, link_settings& link, const std::string& name, char octet) {
  const auto file = world.broker.directory() / name;
  write_file(file, std::string(32, octet));
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  link.frame_key_file = file;
}

// A client of the broker that may do everything: hears all frames, and forges.
struct eavesdropper {
  explicit eavesdropper(const mqtt_world& world)
      : client({world.broker.port(), "eve", true, {"$LINK/#"}}) {}
  void publish(const std::string& topic, const bytes& payload, bool retain = false) {
    client.publish({topic, payload, 1, retain, {}});
    REQUIRE(client.await_accepted(++published, std::chrono::seconds(10)));
  }
  [[nodiscard]] std::vector<bytes> heard(const std::string& topic) const {
    std::vector<bytes> payloads;
    for (const auto& each : client.arrivals()) {
      if (each.topic == topic) payloads.push_back(each.payload);
    }
    return payloads;
  }

  mqtt_peer client;
  std::size_t published = 0;
};

}  // namespace

TEST_CASE("mqtt transport: a peer that dials again after its crash replaces itself",
          "[transport]") {
  mqtt_world world;
  give_key(world, world.link_to_paris, "key", 'k');
  give_key(world, world.link_from_london, "key", 'k');
  connected both(world);
  world.restart_london();
  connected again(world);
  contract::transfer(world, again.london, again.paris(), path::lane::data, 3, 10);
}

TEST_CASE("mqtt transport: other frame keys, or one on one side only, let nothing through",
          "[transport]") {
  for (const auto& [ours, theirs] :
       std::vector<std::pair<char, char>>{{'a', 'b'}, {'a', 0}, {0, 'b'}}) {
    CAPTURE(ours, theirs);
    mqtt_world world;
    if (ours != 0) give_key(world, world.link_to_paris, "ours", ours);
    if (theirs != 0) give_key(world, world.link_from_london, "theirs", theirs);
    host paris;
    world.accept(paris);
    recorded_path london(world.dial());
    london.at_up = [&] { london.send("hello"); };
    london.start();
    REQUIRE(world.run_until([&] { return world.acceptor().refused_total() > 0; }));
    CHECK(paris.peers.empty());
    const auto* line = world.paris_log.last("frame_refused");
    REQUIRE(line != nullptr);
    CHECK(line->link == "london");
    CHECK_THAT(line->text, Contains("MAC") && Contains("frame_key_file"));
  }
}

TEST_CASE("mqtt transport: a key that cannot be used fails the dial", "[transport]") {
  mqtt_world world;
  give_key(world, world.link_to_paris, "key", 'k');
  std::filesystem::permissions(world.link_to_paris.frame_key_file,
                               std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  const error fate = fate_of_dial(world);
  CHECK(fate.code == errc::permission);
  CHECK_THAT(fate.text, Contains("chmod 600"));
}

TEST_CASE("mqtt transport: under a key nothing can be forged or played again", "[transport]") {
  mqtt_world world;
  give_key(world, world.link_to_paris, "key", 'k');
  give_key(world, world.link_from_london, "key", 'k');
  host paris;
  world.accept(paris);
  eavesdropper eve(world);
  const auto refused = [&](std::size_t times, const std::string& topic, const bytes& payload) {
    const auto total = [&] {
      return world.acceptor().refused_total() + world.dialer().refused_total();
    };
    const auto before = total();
    for (std::size_t i = 0; i < times; ++i) eve.publish(topic, payload);
    CHECK(world.run_until([&] { return total() == before + times; }));
  };
  bytes hello;
  {
    connected both(world);
    both.london.send("order");
    both.paris().send("answer");
    REQUIRE(world.run_until([&] { return !both.london.frames.empty(); }));
    REQUIRE(world.run_until([&] { return eve.heard(to_paris).size() == 2; }));
    REQUIRE(eve.heard(to_london).size() == 1);
    hello = eve.heard(to_paris).at(0);
    const bytes order = eve.heard(to_paris).at(1);
    const bytes answer = eve.heard(to_london).at(0);
    both.paris().frames.clear();
    refused(1, to_paris, hello);
    refused(2, to_paris, order);
    refused(1, to_paris, answer);  // turned around
    refused(1, to_london, answer);
    refused(1, to_london, order);
    refused(1, to_paris, "forged");
    bytes altered = order;
    altered.back() = static_cast<char>(altered.back() ^ 1);
    refused(1, to_paris, altered);
    CHECK(both.paris().frames.empty());
    CHECK(both.london.frames.size() == 1);
    contract::transfer(world, both.london, both.paris(), path::lane::control, 3, 10);
  }
  world.accept(paris);
  REQUIRE(world.run_until([&] { return eve.heard(to_paris).back().size() == 26 + 32; }));
  refused(1, to_paris, hello);  // the path is over
  CHECK(paris.peers.empty());
}

TEST_CASE("mqtt transport: a retained message is no frame", "[transport]") {
  mqtt_world world;
  eavesdropper eve(world);
  {
    connected both(world);
    REQUIRE(eve.client.await_arrivals(1, std::chrono::seconds(10)));
  }
  world.stop_accepting();
  eve.publish(to_paris, eve.heard(to_paris).front(), true);
  world.paris.broker.protocol = mqtt_protocol::v311;  // without Retain Handling
  host paris;
  world.accept(paris);
  REQUIRE(world.run_until([&] { return world.acceptor().refused_total() == 1; }));
  CHECK(paris.peers.empty());
}

TEST_CASE("mqtt transport: whoever is no deployment is ignored, strangers come slowly",
          "[transport]") {
  mqtt_world world;
  host paris;
  world.accept(paris);
  eavesdropper eve(world);
  const bytes hello = transport::seal({{1, 1}, 0, "hello"}, {}, std::nullopt);
  for (const auto* name : {"paris", "a b", "-x", "caf\xc3\xa9"}) {
    eve.publish(std::string("$LINK/paris/from/") + name, hello);
  }
  REQUIRE(world.run_until([&] { return world.acceptor().refused_total() == 4; }));
  CHECK(paris.peers.empty());
  for (const auto* name : {"rome", "oslo", "bonn"}) {
    eve.publish(std::string("$LINK/paris/from/") + name, hello);
  }
  REQUIRE(world.run_until([&] { return world.acceptor().refused_total() == 6; }));
  CHECK(paris.peers == std::vector<std::string>{"rome"});
  REQUIRE(world.run_until([&] { return paris.last().frames.size() == 1; }));
  CHECK(paris.last().frames.front() == "hello");
}

#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <set>

#include "tests/contract/mqtt_world.hpp"
#include "tests/support/mqtt_peer.hpp"
#include "tests/support/tcp_proxy.hpp"
#include "tests/support/temp_dir.hpp"
#include "transport/transport_dialer.hpp"

// What only the mqtt transport can meet: brokers that refuse, limits, strangers and forgers.

using namespace linkd;
using namespace linkd::test;
using Catch::Matchers::Contains;
using contract::connected;
using contract::host;
using contract::recorded_path;

namespace {

constexpr const char* to_paris = "$LINK/paris/from/london";
constexpr const char* to_london = "$LINK/london/from/paris";

// Dials and answers why the path went down.
error fate_of_dial(mqtt_world& world) {
  recorded_path london(world.dial());
  london.at_up = [&] { london.send("hello"); };
  london.start();
  REQUIRE(world.run_until([&] { return london.down.has_value(); }));
  return *london.down;
}

void give_key(mqtt_world& world, link_settings& link, const std::string& name, char octet) {
  const auto file = world.broker.directory() / name;
  write_file(file, std::string(32, octet));
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  link.frame_key_file = file;
}

// A file that a broker reads.
class config_file {
 public:
  explicit config_file(const std::string& text) { write_file(path(), text); }
  [[nodiscard]] std::string path() const { return directory_.path() / "file"; }

 private:
  temp_dir directory_;
};

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

TEST_CASE("mqtt transport: a broker that is not there is named", "[transport]") {
  mqtt_world world;
  world.break_line();
  CHECK_THAT(fate_of_dial(world).text,
             Contains(to_string(world.broker.address())) && Contains("refused"));
}

TEST_CASE("mqtt transport: a wrong password is named", "[transport]") {
  mqtt_world world("allow_anonymous false\n");
  world.link_to_paris.login = {"london", secret("guess"), ""};
  const error fate = fate_of_dial(world);
  CHECK(fate.code == errc::refused);
  CHECK_THAT(fate.text, Contains(to_string(world.broker.address())));
  CHECK_THAT(fate.text, Contains("ot authori") && !Contains("guess"));
}

TEST_CASE("mqtt transport: whoever may not publish to the peer is told so", "[transport]") {
  const config_file acl("topic read $LINK/#\n");
  mqtt_world world("acl_file " + acl.path());
  const error fate = fate_of_dial(world);
  CHECK(fate.code == errc::permission);
  CHECK_THAT(fate.text, Contains("not authorized to publish") && Contains(to_paris));
}

TEST_CASE("mqtt transport: needs write on one topic and read on the other", "[transport]") {
  const config_file acl(std::string("user london\ntopic write ") + to_paris + "\ntopic read " +
                        to_london + "\nuser paris\ntopic read " + to_paris + "\ntopic write " +
                        to_london + "\n");
  mqtt_world world("acl_file " + acl.path());
  world.link_to_paris.login.username = "london";
  world.paris.broker.login.username = "paris";
  connected both(world);
  contract::transfer(world, both.london, both.paris(), path::lane::data, 3, 100);
  contract::transfer(world, both.paris(), both.london, path::lane::data, 3, 100);
}

TEST_CASE("mqtt transport: nobody at the other end is told at once", "[transport]") {
  mqtt_world world;
  CHECK_THAT(fate_of_dial(world).text, Contains("paris's daemon is not there"));
  connected both(world);
  both.london.close();
  both.paris().send("into the void");
  REQUIRE(world.run_until([&] { return both.paris().down.has_value(); }));
}

TEST_CASE("mqtt transport: frames obey the broker's Maximum Packet Size", "[transport]") {
  mqtt_world world("max_packet_size 20000\n");
  connected both(world);
  CHECK(both.london.frame_bytes_max > 19'000);
  CHECK(both.london.frame_bytes_max < 20'000);
  contract::transfer(world, both.london, both.paris(), path::lane::data, 5,
                     both.london.frame_bytes_max);
  contract::transfer(world, both.paris(), both.london, path::lane::data, 5,
                     both.paris().frame_bytes_max);
}

TEST_CASE("mqtt transport: a broker of tiny packets is refused by name", "[transport]") {
  mqtt_world world("max_packet_size 2000\n");
  const error fate = fate_of_dial(world);
  CHECK(fate.code == errc::refused);
  CHECK_THAT(fate.text, Contains("Maximum Packet Size"));
}

TEST_CASE("mqtt transport: several connections carry DATA, all of it, once", "[transport]") {
  mqtt_world world("max_inflight_messages 3\n");
  world.link_to_paris.mqtt.connections = 4;
  connected both(world);
  std::multiset<bytes> sent;
  int number = 0;
  const auto fill = [&] {
    while (number < 400 && both.london.unsent_bytes() < limits::path_unsent_bytes_max) {
      sent.insert(contract::numbered(number, 20'000));
      both.london.send(contract::numbered(number++, 20'000), path::lane::data);
    }
  };
  both.london.at_room = fill;
  fill();
  REQUIRE(world.run_until([&] { return both.paris().frames.size() >= 400; }));
  const auto& arrived = both.paris().frames;
  CHECK(std::multiset<bytes>(arrived.begin(), arrived.end()) == sent);
  CHECK_THAT(world.broker.log(), Contains("from-london:4"));
}

TEST_CASE("mqtt transport: the loss of any one connection takes the path down", "[transport]") {
  for (const std::string taken : {"from-london:ctl", "from-london:1", "from-london:2"}) {
    CAPTURE(taken);
    mqtt_world world;
    world.link_to_paris.mqtt.connections = 2;
    connected both(world);
    mqtt_peer thief({world.broker.port(), taken, true, {}});
    REQUIRE(world.run_until([&] { return both.london.down.has_value(); }));
    CHECK_FALSE(both.london.down->text.empty());
  }
}

TEST_CASE("mqtt transport: a daemon that came back ends the paths it does not know",
          "[transport]") {
  for (const auto protocol : {mqtt_protocol::v5, mqtt_protocol::v311}) {
    mqtt_world world;
    world.link_to_paris.mqtt.protocol = protocol;
    connected both(world);
    world.stop_accepting();
    host paris_again;
    world.accept(paris_again);
    if (!both.london.down) both.london.send("are you still there?");
    REQUIRE(world.run_until([&] { return both.london.down.has_value(); }));
    CHECK(paris_again.peers.empty());
  }
}

TEST_CASE("mqtt transport: a peer that dials again after its crash replaces itself",
          "[transport]") {
  mqtt_world world;
  give_key(world, world.link_to_paris, "key", 'k');
  give_key(world, world.link_from_london, "key", 'k');
  connected both(world);
  world.forget_dialer();
  connected again(world);
  contract::transfer(world, again.london, again.paris(), path::lane::data, 3, 10);
}

TEST_CASE("mqtt transport: frames that the broker does not take are bounded", "[transport]") {
  mqtt_world world;
  tcp_proxy line(world.broker.port());
  host paris;
  world.accept(paris);
  transport::mqtt_dialer dialer(world.io, world.london, 1, world.london_log);
  recorded_path london(dialer.dial(world.link_to_paris, {scheme::mqtt, "127.0.0.1", line.port()}));
  london.start();
  REQUIRE(world.run_until([&] { return london.frame_bytes_max != 0; }));
  line.black_hole();
  for (int i = 0; i < 64 && !london.down; ++i) {
    london.send(bytes(1u << 20, 'x'));
    world.run_one();
  }
  REQUIRE(world.run_until([&] { return london.down.has_value(); }));
  CHECK(london.down->code == errc::unavailable);
  CHECK_THAT(london.down->text, Contains("does not take our frames"));
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

TEST_CASE("mqtt transport: a path that nobody starts keeps a bounded number of frames",
          "[transport]") {
  mqtt_world world;
  host paris;
  paris.start_at_once = false;
  world.accept(paris);
  recorded_path london(world.dial());
  london.start();
  REQUIRE(world.run_until([&] { return london.frame_bytes_max != 0; }));
  for (int i = 0; i < 1000; ++i) london.send("frame");
  REQUIRE(world.run_until([&] { return london.down.has_value(); }));
  paris.last().start();
  REQUIRE(world.run_until([&] { return paris.last().down.has_value(); }));
  CHECK(paris.last().frames.size() < 1000);
}

TEST_CASE("mqtt transport: links can be added, changed and removed while it runs", "[transport]") {
  mqtt_world world;
  host paris;
  world.accept(paris);
  world.link_to_paris.control_prefix = "site/links";
  world.link_from_london.control_prefix = "site/links";
  world.paris_log.lines.clear();
  world.acceptor().configure({world.link_from_london});
  REQUIRE(world.run_until([&] { return world.is_accepting(); }));
  {
    connected both(world);
    contract::transfer(world, both.paris(), both.london, path::lane::data, 3, 10);
  }
  world.acceptor().configure({});
  REQUIRE(world.run_until([&] {
    return world.broker.log().find("UNSUBSCRIBE from mqtt-linkd-paris:link") != std::string::npos;
  }));
  CHECK_THAT(fate_of_dial(world).text, Contains("paris's daemon is not there"));
}

TEST_CASE("mqtt transport: the two ends of a link must agree on its prefix", "[transport]") {
  mqtt_world world;
  world.link_from_london.control_prefix = "site/links";
  host paris;
  world.accept(paris);
  recorded_path london(world.dial());
  london.at_up = [&] { london.send("hello"); };
  london.start();
  REQUIRE(world.run_until([&] { return world.acceptor().refused_total() == 1; }));
  CHECK(paris.peers.empty());
  CHECK_THAT(world.paris_log.last("frame_refused")->text,
             Contains("$LINK") && Contains("site/links"));
}

TEST_CASE("mqtt transport: a broker that refuses the subscriptions is told and asked again",
          "[transport]") {
  // Mosquitto's acl_file does not check subscriptions; its dynamic security plugin does.
  const config_file security(R"({"defaultACLAccess": {"publishClientSend": true,
    "publishClientReceive": true, "subscribe": false, "unsubscribe": true},
    "clients": [], "roles": [], "groups": [{"groupname": "all", "roles": []}],
    "anonymousGroup": "all"})");
  mqtt_world world("plugin mosquitto_dynamic_security.so\nplugin_opt_config_file " +
                   security.path());
  const error fate = fate_of_dial(world);
  CHECK(fate.code == errc::permission);
  CHECK_THAT(fate.text, Contains("not authorized to subscribe") && Contains(to_london));

  host paris;
  transport::mqtt_acceptor acceptor(world.io, world.paris, world.paris_log, world.random);
  acceptor.start(paris);
  REQUIRE(world.run_until([&] { return world.paris_log.count("acceptor_refused") == 2; }));
  CHECK_THAT(world.paris_log.last("acceptor_refused")->text, Contains("$LINK/paris/from/+"));
  CHECK(world.paris_log.count("acceptor_up") == 0);
}

TEST_CASE("transport dialer: direct links are not built in", "[transport]") {
  mqtt_world world;
  transport::mqtt_dialer mqtt(world.io, world.london, 1, world.london_log);
  transport::transport_dialer dialer(world.io, mqtt);
  for (const auto which : {scheme::ws, scheme::wss}) {
    recorded_path path(dialer.dial(world.link_to_paris, {which, "paris", 8870}));
    path.start();
    path.send("hello");
    CHECK(path.unsent_bytes() == 0);
    REQUIRE(world.run_until([&] { return path.down.has_value(); }));
    CHECK(path.down->code == errc::unavailable);
  }
  recorded_path path(dialer.dial(world.link_to_paris, world.broker.address()));
  path.start();
  REQUIRE(world.run_until([&] { return path.frame_bytes_max != 0; }));
}

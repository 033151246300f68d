#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <set>

#include "tests/contract/mqtt_world.hpp"
#include "tests/support/mqtt_peer.hpp"
#include "tests/support/tcp_proxy.hpp"
#include "tests/support/temp_dir.hpp"
#include "transport/transport_dialer.hpp"

// What only the mqtt transport can meet: brokers that refuse and limits.

using namespace linkd;
using namespace linkd::test;
using Catch::Matchers::Contains;
using contract::connected;
using contract::host;
using contract::recorded_path;

namespace {

constexpr const char* to_paris = "$LINK/paris/from/london";
constexpr const char* to_london = "$LINK/london/from/paris";

// A file that a broker reads.
class config_file {
 public:
  explicit config_file(const std::string& text) { write_file(path(), text); }
  [[nodiscard]] std::string path() const { return directory_.path() / "file"; }

 private:
  temp_dir directory_;
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

TEST_CASE("transport dialer: the scheme of the server chooses the transport", "[transport]") {
  mqtt_world world;
  transport::mqtt_dialer mqtt(world.io, world.london, 1, world.london_log);
  transport::ws_dialer ws(world.io, "london");
  transport::transport_dialer dialer(mqtt, ws);
  // A broker does not answer a WebSocket's upgrade.
  recorded_path direct(
      dialer.dial(world.link_to_paris, {scheme::ws, "127.0.0.1", world.broker.port()}));
  direct.start();
  REQUIRE(world.run_until([&] { return direct.down.has_value(); }));
  CHECK_THAT(direct.down->text, Contains("ws://127.0.0.1"));
  recorded_path through(dialer.dial(world.link_to_paris, world.broker.address()));
  through.start();
  REQUIRE(world.run_until([&] { return through.frame_bytes_max != 0; }));
}

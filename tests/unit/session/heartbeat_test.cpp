#include <catch2/catch.hpp>

#include "tests/unit/session/harness.hpp"

using namespace linkd;
using namespace linkd::session;
using namespace linkd::session::test;

TEST_CASE("heartbeat: a PING every interval carries what we hold and what we sent") {
  harness h;
  auto peer = london();
  peer.received.offset = 3;
  h.establish(peer);
  h.receive(wire::interest_begin{9});
  h.receive(wire::interest_items{{"a", "b"}});
  h.receive(wire::interest_end{2, interest::filter_hash("a") + interest::filter_hash("b")});
  h.send(3, 5);
  const auto pings = sent<wire::ping>(h.wait(3 * limits::heartbeat_interval));
  REQUIRE(pings.size() == 3);
  CHECK(pings[0].view_version == 9);
  CHECK(pings[0].view_count == 2);
  CHECK(pings[0].view_hash == h.view.current().hash);
  CHECK(pings[0].sent_offset == 5);
  CHECK(pings[0].number != pings[1].number);
}

TEST_CASE("heartbeat: a PING is answered with its number") {
  harness h;
  h.establish();
  CHECK(sent<wire::pong>(h.react(wire::ping{42, 0, 0, 0, 0})) == std::vector<wire::pong>{{42}});
}

TEST_CASE("heartbeat: a PING is answered with the acknowledgement as it stands too") {
  harness h;
  h.establish();
  CHECK(sent<wire::ack>(h.react(wire::ping{1, 0, 0, 0, 0})).empty());
  h.receive(make_data(0, 3));
  h.session.on_delivered(2, h.now);
  CHECK(sent<wire::ack>(h.react(wire::ping{2, 0, 0, 0, 3})) ==
        std::vector<wire::ack>{{2, std::nullopt}});
}

TEST_CASE("heartbeat: a PONG tells the round trip once") {
  harness h;
  h.establish();
  const auto pings = sent<wire::ping>(h.wait(limits::heartbeat_interval));
  REQUIRE(pings.size() == 1);
  h.now += 30ms;
  CHECK(h.react(wire::pong{pings[0].number + 1}).empty());
  const auto effects = h.react(wire::pong{pings[0].number});
  REQUIRE(only<round_trip>(effects).size() == 1);
  CHECK(only<round_trip>(effects)[0].time == 30ms);
  CHECK(h.react(wire::pong{pings[0].number}).empty());
}

TEST_CASE("heartbeat: a peer that is silent for the timeout is given up, with BYE") {
  harness h;
  h.establish();
  CHECK(only<closed>(h.wait(limits::heartbeat_timeout - 1us, false)).empty());
  const auto effects = h.wait(1us, false);
  REQUIRE(only<closed>(effects).size() == 1);
  CHECK_FALSE(only<closed>(effects)[0].protocol);
  CHECK(sent<wire::bye>(effects).size() == 1);
  CHECK(h.session.is_over());
}

TEST_CASE("heartbeat: any frame of the session counts as heard, one of another does not") {
  harness h(role::acceptor);
  h.establish();
  h.wait(limits::heartbeat_timeout - 1s, false);
  const bool ours = GENERATE(true, false);
  h.receive(wire::pong{0}, ours ? id : id + 1);
  h.wait(2s, false);
  CHECK(h.session.is_over() == !ours);
}

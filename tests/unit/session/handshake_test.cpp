#include <catch2/catch.hpp>

#include "tests/unit/session/harness.hpp"

using namespace linkd;
using namespace linkd::session;
using namespace linkd::session::test;

TEST_CASE("handshake: the dialler says who it is and is established by HELLO_ACK") {
  auto local = paris();
  local.received = {peer_queue_id, 40};
  local.frame_bytes_max = 100'000;
  local.message_bytes_max = 5'000'000;
  harness h(role::dialler, local);
  CHECK_FALSE(h.session.deadline());
  h.session.start(h.now);
  const auto started = h.session.take_effects();
  const auto hellos = sent<wire::hello>(started);
  REQUIRE(hellos.size() == 1);
  CHECK(only<send_frame>(started)[0].what.session == id);
  CHECK(hellos[0].version_min == wire::protocol_version);
  CHECK(hellos[0].version_max == wire::protocol_version);
  CHECK(hellos[0].deployment == "paris");
  CHECK(hellos[0].peer == "london");
  CHECK(hellos[0].incarnation == 5);
  CHECK(hellos[0].queue_id == our_queue_id);
  CHECK(hellos[0].inflight_bytes_max == limits::inflight_bytes_max);
  CHECK(hellos[0].frame_bytes_max == 100'000);
  CHECK(hellos[0].message_bytes_max == 5'000'000);
  CHECK(hellos[0].received == wire::cursor{peer_queue_id, 40});
  CHECK_FALSE(h.session.is_established());

  const auto effects = h.react(wire::hello_ack{london()});
  CHECK(h.session.is_established());
  REQUIRE(only<established>(effects).size() == 1);
  CHECK(only<established>(effects)[0].peer == london());
  CHECK(sent<wire::interest_begin>(effects).size() == 1);
  CHECK(sent<wire::interest_end>(effects).size() == 1);
  CHECK(sent<wire::ack>(effects).empty());
  // The peer may have missed our last acknowledgement.
  h.session.on_delivered(30, h.now);
  CHECK(sent<wire::ack>(h.session.take_effects()) == std::vector<wire::ack>{{30, std::nullopt}});
}

TEST_CASE("handshake: the acceptor takes the session id of the HELLO and answers at once") {
  harness h(role::acceptor);
  h.session.start(h.now);
  CHECK(h.session.id() == 0);
  CHECK_FALSE(h.session.deadline());
  const auto effects = h.react(london(), 1234);
  CHECK(h.session.is_established());
  CHECK(h.session.id() == 1234);
  const auto acks = sent<wire::hello_ack>(effects);
  REQUIRE(acks.size() == 1);
  CHECK(acks[0].deployment == "paris");
  CHECK(acks[0].peer == "london");
  CHECK(acks[0].version_min == acks[0].version_max);
  CHECK(std::holds_alternative<send_frame>(effects.front()));
  CHECK(std::get<send_frame>(effects.front()).what.session == 1234);
}

TEST_CASE("handshake: without an answer the dialler gives up") {
  harness h;
  h.session.start(h.now);
  CHECK(only<closed>(h.wait(limits::handshake_timeout - 1us, false)).empty());
  const auto effects = h.wait(1us, false);
  REQUIRE(only<closed>(effects).size() == 1);
  CHECK_FALSE(only<closed>(effects)[0].protocol);
  CHECK(only<closed>(effects)[0].reason.find("no answer") != std::string::npos);
  CHECK(only<closed>(effects)[0].unanswered);
  CHECK(h.session.is_over());
  CHECK_FALSE(h.session.deadline());
}

TEST_CASE("handshake: a peer that calls us by another name is refused, both names in the text") {
  const role which = GENERATE(role::dialler, role::acceptor);
  harness h(which);
  auto peer = london();
  peer.peer = "rome";
  const auto effects = h.establish(peer);
  CHECK(h.session.is_over());
  CHECK(only<established>(effects).empty());
  const auto ends = only<refused_by>(effects);
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].by_us);
  CHECK(ends[0].reason == wire::refusal::wrong_name);
  CHECK(ends[0].text.find("rome") != std::string::npos);
  CHECK(ends[0].text.find("paris") != std::string::npos);
  CHECK(sent<wire::refused>(effects) ==
        std::vector<wire::refused>{{wire::refusal::wrong_name, ends[0].text}});
  CHECK(sent<wire::hello_ack>(effects).empty());
}

TEST_CASE("handshake: a peer with another name than the link's is refused") {
  const role which = GENERATE(role::dialler, role::acceptor);
  harness h(which);
  auto peer = london();
  peer.deployment = "rome";
  const auto ends = only<refused_by>(h.establish(peer));
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].reason == wire::refusal::unknown_deployment);
  CHECK(ends[0].text.find("rome") != std::string::npos);
}

TEST_CASE("handshake: the highest common version is chosen, without one the peer is refused") {
  harness h(role::acceptor);
  auto peer = london();
  peer.version_min = 1;
  peer.version_max = 9;
  SECTION("a newer peer that still speaks ours") {
    const auto acks = sent<wire::hello_ack>(h.establish(peer));
    REQUIRE(acks.size() == 1);
    CHECK(acks[0].version_max == 1);
  }
  SECTION("a peer that does not") {
    peer.version_min = 2;
    const auto ends = only<refused_by>(h.establish(peer));
    REQUIRE(ends.size() == 1);
    CHECK(ends[0].reason == wire::refusal::version);
  }
}

TEST_CASE("handshake: a HELLO_ACK with another version is refused, without a chosen one an error") {
  harness h;
  auto peer = london();
  SECTION("another") {
    peer.version_min = peer.version_max = 2;
    const auto ends = only<refused_by>(h.establish(peer));
    REQUIRE(ends.size() == 1);
    CHECK(ends[0].reason == wire::refusal::version);
  }
  SECTION("a range") {
    peer.version_max = 2;
    check_protocol_error(h, h.establish(peer));
  }
}

TEST_CASE("handshake: a refusal ends the session with its reason") {
  harness h;
  h.session.start(h.now);
  const auto effects = h.react(wire::refused{wire::refusal::link_disabled, "asleep"});
  CHECK(h.session.is_over());
  REQUIRE(effects.size() == 1);
  const auto ends = only<refused_by>(effects);
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].reason == wire::refusal::link_disabled);
  CHECK(ends[0].text == "asleep");
  CHECK_FALSE(ends[0].by_us);
}

TEST_CASE("handshake: the link may refuse before the HELLO is given to the session") {
  harness h(role::acceptor);
  h.session.start(h.now);
  h.session.refuse(wire::refusal::link_disabled, "disabled");
  CHECK(h.session.take_effects().empty());
  const auto effects = h.react(london());
  CHECK(sent<wire::refused>(effects) ==
        std::vector<wire::refused>{{wire::refusal::link_disabled, "disabled"}});
  REQUIRE(only<refused_by>(effects).size() == 1);
  CHECK(only<refused_by>(effects)[0].by_us);
  CHECK(only<established>(effects).empty());
  CHECK(h.session.is_over());
}

TEST_CASE("handshake: an established session may be refused too, as a duplicate") {
  harness h;
  h.establish();
  h.session.refuse(wire::refusal::duplicate_session, "another one is in use");
  const auto effects = h.session.take_effects();
  CHECK(sent<wire::refused>(effects).size() == 1);
  CHECK(h.session.is_over());
}

TEST_CASE("handshake: an acceptor tells a stranger that its session is gone, once a second") {
  harness h(role::acceptor);
  h.session.start(h.now);
  const bool established = GENERATE(false, true);
  if (established) h.establish();
  const auto effects = h.react(wire::ping{}, 999);
  REQUIRE(effects.size() == 1);
  CHECK(std::get<send_frame>(effects[0]).what.session == 999);
  CHECK(sent<wire::bye>(effects).size() == 1);
  CHECK(h.react(wire::ping{}, 999).empty());
  h.now += 1s;
  CHECK(h.react(wire::ping{}, 999).size() == 1);
  h.now += 1s;
  CHECK(h.react(wire::bye{"x"}, 999).empty());
  CHECK(h.react(wire::refused{}, 999).empty());
  CHECK(h.session.is_established() == established);
}

TEST_CASE("handshake: a HELLO with another session id is left to the link") {
  harness h(role::acceptor);
  h.establish();
  CHECK(h.react(london(), 999).empty());
  CHECK(h.session.is_established());
}

TEST_CASE("handshake: a dialler ignores frames of another session") {
  harness h;
  h.session.start(h.now);
  CHECK(only<closed>(h.react(wire::hello_ack{london()}, 999)).empty());
  CHECK_FALSE(h.session.is_established());
  h.establish();
  CHECK(h.react(wire::bye{"x"}, 999).empty());
  CHECK(h.react(wire::ping{}, 999).empty());
  CHECK(h.session.is_established());
}

TEST_CASE("handshake: close says BYE, and a BYE closes") {
  harness h;
  h.establish();
  SECTION("ours") {
    h.session.close("shutting down");
    const auto effects = h.session.take_effects();
    REQUIRE(effects.size() == 2);
    CHECK(sent<wire::bye>(effects) == std::vector<wire::bye>{{"shutting down"}});
    CHECK(only<closed>(effects)[0].reason == "shutting down");
    CHECK_FALSE(only<closed>(effects)[0].protocol);
    h.session.close("again");
    CHECK(h.session.take_effects().empty());
  }
  SECTION("theirs") {
    const auto effects = h.react(wire::bye{"shutting down"});
    REQUIRE(effects.size() == 1);
    CHECK(only<closed>(effects)[0].reason.find("shutting down") != std::string::npos);
    CHECK_FALSE(only<closed>(effects)[0].protocol);
  }
}

TEST_CASE("handshake: a frame that does not decode ends the session") {
  harness h;
  h.establish();
  h.session.on_bad_frame({errc::corrupt, "frame: does not parse"});
  check_protocol_error(h, h.session.take_effects());
}

#include <catch2/catch.hpp>

#include "tests/unit/session/harness.hpp"

using namespace linkd;
using namespace linkd::session;
using namespace linkd::session::test;

namespace {

std::vector<std::string> filters(std::size_t count, std::size_t bytes) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) {
    auto filter = std::to_string(i);
    out.push_back(filter + std::string(bytes - filter.size(), 'f'));
  }
  return out;
}

// What the peer's view is after these frames.
std::set<std::string> view_after(interest::peer_view& view, const std::vector<effect>& effects) {
  interest::view_updates session(view);
  for (const auto& each : only<send_frame>(effects)) {
    const auto& body = each.what.body;
    if (const auto* begin = std::get_if<wire::interest_begin>(&body)) session.begin(begin->version);
    if (const auto* items = std::get_if<wire::interest_items>(&body))
      REQUIRE(session.items(items->filters).has_value());
    if (const auto* end = std::get_if<wire::interest_end>(&body))
      REQUIRE(session.end(end->count, end->hash).has_value());
    if (const auto* delta = std::get_if<wire::interest_delta>(&body))
      REQUIRE(session.delta(delta->version, delta->added, delta->removed).has_value());
  }
  return view.filters();
}

wire::ping ping_of(const interest::digest& held) {
  return {1, held.version, held.count, held.hash, 0};
}

}  // namespace

TEST_CASE("interest: a session begins with a snapshot and goes on with deltas") {
  harness h;
  h.announced.apply({"a", "b/#"}, {});
  interest::peer_view theirs;
  CHECK(view_after(theirs, h.establish()) == h.announced.filters());
  const auto change = h.announced.apply({"c"}, {"a"});
  REQUIRE(change);
  h.session.announce(*change, h.now);
  const auto effects = h.session.take_effects();
  CHECK(sent<wire::interest_delta>(effects) ==
        std::vector<wire::interest_delta>{{change->version, {"c"}, {"a"}}});
  CHECK(view_after(theirs, effects) == h.announced.filters());
  CHECK(theirs.current() == h.announced.current());
}

TEST_CASE("interest: a change before the handshake is in the snapshot") {
  harness h;
  h.session.start(h.now);
  h.session.take_effects();
  h.session.announce(*h.announced.apply({"a"}, {}), h.now);
  CHECK(h.session.take_effects().empty());
  interest::peer_view theirs;
  CHECK(view_after(theirs, h.react(wire::hello_ack{london()})) == h.announced.filters());
}

TEST_CASE("interest: a large snapshot comes in frames of the size both sides allow") {
  const std::size_t frame_bytes_max = GENERATE(wire::frame_bytes_min, limits::frame_bytes_max);
  harness h;
  h.announced.apply(filters(20'000, 60), {});
  auto peer = london();
  peer.frame_bytes_max = frame_bytes_max;
  const auto effects = h.establish(peer);
  for (const auto& each : only<send_frame>(effects)) {
    const auto encoded = wire::encode(each.what);
    REQUIRE(encoded.size() <= frame_bytes_max);
    REQUIRE(wire::decode(encoded).has_value());
  }
  CHECK(sent<wire::interest_items>(effects).size() > 2);
  interest::peer_view theirs;
  CHECK(view_after(theirs, effects) == h.announced.filters());
}

TEST_CASE("interest: a change too large for a frame is a new snapshot") {
  harness h;
  h.establish();
  const bool many = GENERATE(true, false);
  const auto change = h.announced.apply(
      many ? filters(wire::filters_per_frame_max + 1, 20) : filters(60, 10'000), {});
  h.session.announce(*change, h.now);
  const auto effects = h.session.take_effects();
  CHECK(sent<wire::interest_delta>(effects).empty());
  interest::peer_view theirs;
  CHECK(view_after(theirs, effects) == h.announced.filters());
  CHECK(theirs.current() == h.announced.current());
}

TEST_CASE("interest: a filter that no frame of the path can carry ends the session and says so") {
  harness h;
  h.announced.apply({std::string(wire::frame_bytes_min, 'f')}, {});
  auto peer = london();
  peer.frame_bytes_max = wire::frame_bytes_min;
  const auto ends = only<closed>(h.establish(peer));
  REQUIRE(ends.size() == 1);
  CHECK_FALSE(ends[0].protocol);
  CHECK(ends[0].reason.find("filter") != std::string::npos);
}

TEST_CASE("interest: what the peer asks is told to the link when the bracket closes") {
  harness h;
  h.view.restore({"old"});
  h.establish();
  CHECK(only<interest_changed>(h.react(wire::interest_begin{3})).empty());
  CHECK(only<interest_changed>(h.react(wire::interest_items{{"new"}})).empty());
  CHECK(h.view.filters() == std::set<std::string>{"old"});
  const auto hash = interest::filter_hash("new");
  CHECK(only<interest_changed>(h.react(wire::interest_end{1, hash})).size() == 1);
  CHECK(h.view.filters() == std::set<std::string>{"new"});
  CHECK(only<interest_changed>(h.react(wire::interest_delta{4, {"b"}, {}})).size() == 1);
  CHECK(only<interest_changed>(h.react(wire::interest_delta{5, {"b"}, {}})).empty());
}

TEST_CASE("interest: what breaks the rules ends the session and leaves the view in force") {
  harness h;
  h.view.restore({"old"});
  h.establish();
  SECTION("a bad filter") {
    h.receive(wire::interest_begin{3});
    check_protocol_error(h, h.react(wire::interest_items{{"a/#/b"}}));
  }
  SECTION("a wrong hash") {
    h.receive(wire::interest_begin{3});
    h.receive(wire::interest_items{{"a"}});
    check_protocol_error(h, h.react(wire::interest_end{1, 99}));
  }
  SECTION("a delta out of turn") {
    check_protocol_error(h, h.react(wire::interest_delta{44, {"a"}, {}}));
  }
  CHECK(h.view.filters() == std::set<std::string>{"old"});
}

// A link has two sessions for a moment when both sides dial, and the second one may come to
// nothing.
TEST_CASE("interest: a snapshot on its way survives another session of the link") {
  harness h;
  h.view.restore({"old"});
  h.establish();
  h.receive(wire::interest_begin{3});
  {
    link_session other(role::dialler, paris(), id + 1, h.view, h.announced);
    other.start(h.now);
    SECTION("that is answered") {
      other.on_frame({id + 1, wire::hello_ack{london()}}, h.now);
      other.on_frame({id + 1, wire::interest_items{{"b"}}}, h.now);
      CHECK(other.is_over());  // our bracket is not its own
    }
    SECTION("that never is") {}
    other.close("another connection of this link is used");
  }
  CHECK(h.view.filters() == std::set<std::string>{"old"});
  h.receive(wire::interest_items{{"a"}});
  h.receive(wire::interest_end{1, interest::filter_hash("a")});
  CHECK(h.session.is_established());
  CHECK(h.view.filters() == std::set<std::string>{"a"});
}

TEST_CASE("interest: a heartbeat that shows another view asks for a snapshot, not too often") {
  harness h;
  h.announced.apply({"a"}, {});
  h.establish();
  auto held = h.announced.current();
  const auto snapshots = [&](const interest::digest& digest) {
    return sent<wire::interest_begin>(h.react(ping_of(digest))).size();
  };
  h.wait(40s);
  CHECK(snapshots(held) == 0);
  auto other = held;
  SECTION("another hash") {
    other.hash += 1;
  }
  SECTION("another count") {
    other.count += 1;
  }
  SECTION("a newer version than ours") {
    other.version += 1;
  }
  CHECK(snapshots(other) == (other == held ? 0 : 1));
  h.wait(10s);
  CHECK(snapshots(other) == 0);
  h.wait(20s);
  CHECK(snapshots(other) == (other == held ? 0 : 1));
}

TEST_CASE("interest: an older version is an error only if the peer had a heartbeat to catch up") {
  harness h;
  h.announced.apply({"a"}, {});
  h.establish();
  h.wait(40s);
  const auto held = h.announced.current();
  CHECK(sent<wire::interest_begin>(h.react(ping_of(held))).empty());
  h.session.announce(*h.announced.apply({"b"}, {"a"}), h.now);
  // Crossed with our delta.
  CHECK(sent<wire::interest_begin>(h.react(ping_of(held))).empty());
  // The delta was lost.
  h.wait(10s);
  CHECK(sent<wire::interest_begin>(h.react(ping_of(held))).size() == 1);
}

#include "broker/subscriptions.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "mqtt_linkd/limits.hpp"
#include "topic/topic.hpp"

using namespace linkd;
using broker_adapter::capture_mode;
using broker_adapter::subscriptions;

namespace {

using packet = subscriptions::packet;

const std::string echo = "$LINK/paris/echo";

// Saves at once and answers every packet that can be sent; answers the packets.
std::vector<packet> settle(subscriptions& all, std::uint8_t code = 1) {
  std::vector<packet> sent;
  for (;;) {
    if (all.save()) all.saved();
    const auto next = all.next();
    if (!next) return sent;
    sent.push_back(*next);
    if (next->what == packet::kind::subscribe) {
      all.subscribed(*next, std::vector<std::uint8_t>(next->ids.size(), code));
    } else {
      all.unsubscribed(*next);
    }
  }
}

std::vector<std::string> filters_of(const std::vector<packet>& packets, packet::kind kind) {
  std::vector<std::string> out;
  for (const auto& each : packets) {
    if (each.what == kind) out.insert(out.end(), each.filters.begin(), each.filters.end());
  }
  return out;
}

}  // namespace

TEST_CASE("subscriptions: nothing is subscribed before it is saved", "[subscriptions]") {
  subscriptions all("", echo);
  all.want({"a/#"});
  all.connected(false, capture_mode::by_identifier);
  CHECK_FALSE(all.next());
  REQUIRE(all.save());
  CHECK_FALSE(all.next());
  all.saved();
  const auto sent = all.next();
  REQUIRE(sent);
  CHECK(sent->filters == std::vector<std::string>{"a/#"});
  CHECK_FALSE(all.settled());
  all.subscribed(*sent, {1});
  CHECK(all.settled());
}

TEST_CASE("subscriptions: with identifiers one filter a packet, otherwise twenty",
          "[subscriptions]") {
  std::vector<std::string> filters;
  for (int i = 0; i < 45; ++i) filters.push_back("a/" + std::to_string(i));
  subscriptions all("", echo);
  all.want(filters);
  all.connected(false, capture_mode::by_identifier);
  CHECK(settle(all).size() == 45);
  all.connected(false, capture_mode::by_cover);
  CHECK(settle(all).size() == 3);
}

TEST_CASE("subscriptions: new filters are answered before old ones are unsubscribed",
          "[subscriptions]") {
  subscriptions all("", echo);
  all.want({"a/+", "b"});
  all.connected(false, capture_mode::by_identifier);
  settle(all);
  all.want({"a/#", "b"});
  if (all.save()) all.saved();
  const auto first = all.next();
  REQUIRE(first);
  CHECK(first->filters == std::vector<std::string>{"a/#"});
  CHECK_FALSE(all.next());  // its SUBACK is awaited
  all.subscribed(*first, {1});
  const auto second = all.next();
  REQUIRE(second);
  CHECK(second->what == packet::kind::unsubscribe);
  CHECK(second->filters == std::vector<std::string>{"a/+"});
}

TEST_CASE("subscriptions: a filter that comes back before it was unsubscribed goes on",
          "[subscriptions]") {
  subscriptions all("", echo);
  all.want({"a", "b"});
  all.connected(false, capture_mode::by_identifier);
  settle(all);
  all.want({"a"});
  all.want({"a", "b"});
  CHECK(all.settled());
  CHECK_FALSE(all.next());
}

TEST_CASE("subscriptions: what an earlier run left behind is unsubscribed", "[subscriptions]") {
  bytes saved;
  {
    subscriptions earlier("", echo);
    earlier.want({"old", "both"});
    earlier.connected(false, capture_mode::by_identifier);
    saved = earlier.save().value();
  }
  subscriptions all(saved, echo);
  SECTION("once it is known what is wanted now") {
    all.want({"both", "new"});
    all.connected(true, capture_mode::by_identifier);
    const auto sent = settle(all);
    CHECK(filters_of(sent, packet::kind::subscribe) == std::vector<std::string>{"both", "new"});
    CHECK(filters_of(sent, packet::kind::unsubscribe) == std::vector<std::string>{"old"});
  }
  SECTION("not before") {
    all.connected(true, capture_mode::by_identifier);
    const auto sent = settle(all);
    CHECK(filters_of(sent, packet::kind::subscribe).size() == 2);
    CHECK(filters_of(sent, packet::kind::unsubscribe).empty());
  }
}

TEST_CASE("subscriptions: what was withdrawn is unsubscribed again on every connection",
          "[subscriptions]") {
  using filters = std::vector<std::string>;
  subscriptions all("", echo);
  all.want({"a", "b", "c"});
  all.connected(false, capture_mode::by_identifier);
  settle(all);
  all.want({"a"});
  CHECK(filters_of(settle(all), packet::kind::unsubscribe) == filters{"b", "c"});
  const auto reconnect = [](subscriptions& which) {
    which.connected(true, capture_mode::by_identifier);
    return filters_of(settle(which), packet::kind::unsubscribe);
  };
  CHECK(reconnect(all) == filters{"b", "c"});
  SECTION("until it is wanted again") {
    all.want({"a", "b"});
    CHECK(filters_of(settle(all), packet::kind::subscribe) == filters{"b"});
    CHECK(reconnect(all) == filters{"c"});
  }
  SECTION("also if it is wanted again before that was sent") {
    all.connected(true, capture_mode::by_identifier);
    all.want({"a", "b"});
    const auto sent = settle(all);
    CHECK(filters_of(sent, packet::kind::subscribe) == filters{"a", "b"});
    CHECK(filters_of(sent, packet::kind::unsubscribe) == filters{"c"});
  }
  SECTION("in a later run, too") {
    all.want({"a", "d"});  // a change, so that there is something to save
    subscriptions later(all.save().value(), echo);
    later.want({"a"});
    CHECK(reconnect(later) == filters{"b", "c", "d"});
  }
  SECTION("for a while") {
    all.forget_withdrawn();
    CHECK(reconnect(all) == filters{"b", "c"});  // and from now on for as long again
    all.forget_withdrawn();
    all.forget_withdrawn();
    CHECK(reconnect(all).empty());
  }
}

TEST_CASE("subscriptions: no more than a limit of withdrawn filters is remembered",
          "[subscriptions]") {
  subscriptions all("", echo);
  all.connected(false, capture_mode::by_cover);
  for (int turn = 0; turn < 5; ++turn) {
    std::vector<std::string> some;
    for (std::size_t i = 0; i < limits::withdrawn_filters_max / 2; ++i) {
      some.push_back("t/" + std::to_string(turn) + "/" + std::to_string(i));
    }
    all.want(some);
    settle(all);
  }
  all.want({});
  settle(all);
  all.connected(true, capture_mode::by_cover);
  const auto again = filters_of(settle(all), packet::kind::unsubscribe);
  CHECK(again.size() <= 2 * limits::withdrawn_filters_max + 20);
  CHECK(again.size() >= limits::withdrawn_filters_max);  // the newest
  CHECK(std::count(again.begin(), again.end(), "t/4/0") == 1);
}

TEST_CASE("subscriptions: damaged memory counts as none", "[subscriptions]") {
  subscriptions earlier("", echo);
  earlier.want({"a/#"});
  earlier.connected(false, capture_mode::by_identifier);
  const bytes good = earlier.save().value();
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    subscriptions all(good.substr(0, cut), echo);
    all.connected(true, capture_mode::by_identifier);
    CHECK(settle(all).empty());
    bytes flipped = good;
    flipped[cut] = static_cast<char>(flipped[cut] ^ 0x10);
    subscriptions other(flipped, echo);
    other.connected(true, capture_mode::by_identifier);
    CHECK(settle(other).empty());
  }
}

TEST_CASE("subscriptions: refused filters are named, behind a cover those that were wanted",
          "[subscriptions]") {
  subscriptions all("", echo);
  all.want({"a/+/x", "a/b/#"});
  all.connected(false, capture_mode::by_cover);
  if (all.save()) all.saved();
  const auto sent = all.next();
  REQUIRE(sent);
  REQUIRE(sent->filters.size() == 1);  // the two overlap
  const auto refused = all.subscribed(*sent, {0x80});
  REQUIRE(refused.size() == 2);
  CHECK(refused[0] == subscriptions::outcome{"a/+/x", 0x80});
  CHECK(refused[1] == subscriptions::outcome{"a/b/#", 0x80});
  CHECK_FALSE(all.captures("a/b/x"));
}

TEST_CASE("subscriptions: missing reason codes are refusals", "[subscriptions]") {
  subscriptions all("", echo);
  all.want({"a", "b"});
  all.connected(false, capture_mode::by_cover);
  if (all.save()) all.saved();
  const auto sent = all.next();
  REQUIRE(sent);
  CHECK(all.subscribed(*sent, {1}).size() == 1);
  CHECK(all.captures("a"));
  CHECK_FALSE(all.captures("b"));
}

TEST_CASE("subscriptions: the echo topic is subscribed where it is needed only",
          "[subscriptions]") {
  subscriptions all("", echo);
  all.want({"#"});
  all.connected(false, capture_mode::by_cover_with_echo);
  CHECK(filters_of(settle(all), packet::kind::subscribe) == std::vector<std::string>{"#", echo});
  subscriptions plain("", "link/paris/echo");
  plain.want({"#"});
  plain.connected(false, capture_mode::by_cover_with_echo);
  CHECK(filters_of(settle(plain), packet::kind::subscribe) == std::vector<std::string>{"#"});
  subscriptions nothing("", echo);
  nothing.want({});
  nothing.connected(false, capture_mode::by_cover_with_echo);
  CHECK(settle(nothing).empty());
}

TEST_CASE("subscriptions: of the copies the one of the oldest filter is accepted",
          "[subscriptions]") {
  subscriptions all("", echo);
  all.want({"a/#", "a/+", "+/b"});
  all.connected(false, capture_mode::by_identifier);
  const auto sent = settle(all);
  REQUIRE(sent.size() == 3);
  int accepted = 0;
  for (const auto& each : sent) accepted += all.accept("a/b", each.ids) ? 1 : 0;
  CHECK(accepted == 1);
  CHECK(all.accept("a/b", {1, 2, 3}));      // a broker that merges the copies
  CHECK(all.accept("a/b", {}));             // or sends no identifier
  CHECK(all.accept("a/b", {1'000'000}));    // or one of a filter we forgot
  CHECK(all.accept("a/b/c", sent[0].ids));  // matched by one filter only
}

TEST_CASE("subscriptions: a refused filter takes no copy away", "[subscriptions]") {
  subscriptions all("", echo);
  all.want({"a/#", "a/+"});
  all.connected(false, capture_mode::by_identifier);
  if (all.save()) all.saved();
  const auto first = all.next();
  const auto second = all.next();
  REQUIRE((first && second));
  CHECK(all.accept("a/b", second->ids));  // not answered yet: perhaps there is no other copy
  all.subscribed(*first, {0x87});
  all.subscribed(*second, {1});
  CHECK(all.accept("a/b", second->ids));
}

TEST_CASE("subscriptions: identifiers survive restarts and are never used again",
          "[subscriptions]") {
  subscriptions earlier("", echo);
  earlier.want({"a/#", "b"});
  earlier.connected(false, capture_mode::by_identifier);
  const auto before = settle(earlier);
  earlier.want({"a/#"});
  settle(earlier);
  earlier.want({"a/#", "c"});  // a change, so that there is something to save
  const bytes saved = earlier.save().value();
  subscriptions all(saved, echo);
  all.want({"a/#", "b"});
  all.connected(true, capture_mode::by_identifier);
  const auto after = settle(all);
  std::set<std::uint32_t> used;
  for (const auto& each : before) used.insert(each.ids.front());
  for (const auto& each : after) {
    if (each.what != packet::kind::subscribe) continue;
    CHECK(used.contains(each.ids.front()) == (each.filters.front() == "a/#"));
  }
}

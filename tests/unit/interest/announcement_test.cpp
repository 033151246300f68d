#include "interest/announcement.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <random>

using namespace linkd::interest;

using strings = std::vector<std::string>;

TEST_CASE("announcement: apply answers what changed", "[interest]") {
  announcement announced;
  CHECK(announced.current() == digest{1, 0, 0});
  CHECK_FALSE(announced.apply({}, {"x"}).has_value());

  const auto first = announced.apply({"b", "a", "b"}, {});
  REQUIRE(first.has_value());
  CHECK(first->version == 2);
  CHECK(first->added == strings{"b", "a"});
  CHECK(first->removed.empty());
  CHECK(announced.current() == digest{2, 2, filter_hash("a") + filter_hash("b")});

  CHECK_FALSE(announced.apply({"a", "b"}, {}).has_value());
  CHECK(announced.current().version == 2);

  const auto second = announced.apply({"b", "c"}, {"a", "d"});
  REQUIRE(second.has_value());
  CHECK(second->version == 3);
  CHECK(second->added == strings{"c"});
  CHECK(second->removed == strings{"a"});
  CHECK(announced.filters() == std::set<std::string>{"b", "c"});
}

// Goal: both ends agree whatever happens. Method: the announcement changes at random; the peer gets
// snapshots in pieces and deltas late, sessions end anywhere, and a new one starts with a snapshot.
TEST_CASE("announcement: views of a peer converge over sessions that break", "[interest]") {
  const auto seed = GENERATE(range(1u, 21u));
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto below = [&](std::size_t bound) { return random() % bound; };

  announcement announced;
  peer_view view;
  std::deque<change> on_the_way;
  bool established = false;

  const auto send_snapshot = [&](bool to_the_end) {
    const strings filters(announced.filters().begin(), announced.filters().end());
    view_updates session(view);
    session.begin(announced.current().version);
    const auto cut = static_cast<std::ptrdiff_t>(below(filters.size() + 1));
    REQUIRE(session.items({filters.begin(), filters.begin() + cut}).has_value());
    if (!to_the_end) return;
    REQUIRE(session.items({filters.begin() + cut, filters.end()}).has_value());
    const auto before = view.filters();
    const auto ended = session.end(announced.current().count, announced.current().hash);
    REQUIRE(ended.has_value());
    REQUIRE(ended.value() == (before != announced.filters()));
    established = true;
  };
  const auto deliver = [&] {
    const auto delta = on_the_way.front();
    on_the_way.pop_front();
    REQUIRE(view.delta(delta.version, delta.added, delta.removed).value());
  };

  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    switch (below(6)) {
      case 0:  // the session ends, with all that is on the way
        established = false;
        on_the_way.clear();
        break;
      case 1:
        if (!established) send_snapshot(below(2) == 0);
        break;
      case 2:
      case 3:
        if (!on_the_way.empty()) deliver();
        break;
      default: {
        strings added, removed;
        for (auto left = below(6); left > 0; --left) {
          (below(2) == 0 ? added : removed).push_back("f/" + std::to_string(below(8)));
        }
        const auto delta = announced.apply(added, removed);
        if (established && delta) on_the_way.push_back(*delta);
      }
    }
    // A heartbeat: the views agree exactly if their digests do.
    const bool same = view.filters() == announced.filters();
    if (established && on_the_way.empty()) {
      REQUIRE(same);
      REQUIRE(view.current() == announced.current());
    }
    REQUIRE((view.current().hash == announced.current().hash) == same);
  }
}

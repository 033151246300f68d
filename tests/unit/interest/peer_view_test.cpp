#include "interest/peer_view.hpp"

#include <catch2/catch.hpp>

#include "mqtt_linkd/limits.hpp"

using namespace linkd;
using namespace linkd::interest;

namespace {

using strings = std::vector<std::string>;

strings content(const peer_view& view) {
  return {view.filters().begin(), view.filters().end()};
}

std::uint64_t hash_of(const strings& filters) {
  std::uint64_t sum = 0;
  for (const auto& filter : filters) sum += filter_hash(filter);
  return sum;
}

// A view that holds `filters` by a snapshot of this version.
peer_view view_of(const strings& filters, std::uint64_t version = 1) {
  peer_view view;
  view_updates session(view);
  session.begin(version);
  REQUIRE(session.items(filters).has_value());
  REQUIRE(session.end(filters.size(), hash_of(filters)).has_value());
  return view;
}

strings numbered(std::size_t count) {
  strings filters;
  for (std::size_t i = 0; i < count; ++i) filters.push_back(std::to_string(i));
  return filters;
}

// Different filters of `bytes` bytes together.
strings bulky(std::size_t bytes) {
  const std::size_t each = 60'000;
  strings filters;
  for (std::size_t i = 0; bytes > 0; ++i) {
    const std::size_t size = std::min(each, bytes);
    auto filter = std::to_string(i) + "/";
    filter.resize(size, 'a');
    filters.push_back(filter);
    bytes -= size;
  }
  return filters;
}

}  // namespace

// The values were computed with another program: the two ends may be of different versions.
TEST_CASE("filter_hash: FNV-1a, then the finalizer of MurmurHash3", "[interest]") {
  CHECK(filter_hash("") == 0xefd01f60ba992926u);
  CHECK(filter_hash("a") == 0x82a2a958a9bece5bu);
  CHECK(filter_hash("foobar") == 0x2c22194922d1672bu);
}

TEST_CASE("filter_hash: sums of names that count up do not collide", "[interest]") {
  std::set<std::uint64_t> sums;
  std::size_t pairs = 0;
  for (char first = '0'; first <= '9'; ++first) {
    for (char second = '0'; second < first; ++second, ++pairs) {
      sums.insert(hash_of({std::string("f/") + first, std::string("f/") + second}));
    }
  }
  CHECK(sums.size() == pairs);
}

TEST_CASE("peer_view: the old view is in force until the bracket closes", "[interest]") {
  auto view = view_of({"a", "b"}, 7);
  view_updates session(view);
  session.begin(9);
  CHECK(session.items({"c"}).has_value());
  CHECK(content(view) == strings{"a", "b"});
  CHECK(view.current() == digest{7, 2, hash_of({"a", "b"})});
  CHECK(session.items({"d"}).has_value());
  CHECK(session.end(2, hash_of({"c", "d"})).value());
  CHECK(content(view) == strings{"c", "d"});
  CHECK(view.current() == digest{9, 2, hash_of({"d", "c"})});
}

TEST_CASE("peer_view: a snapshot of the same filters changes only the version", "[interest]") {
  auto view = view_of({"a"}, 1);
  view_updates session(view);
  session.begin(4);
  CHECK(session.items({"a", "a"}).has_value());
  CHECK_FALSE(session.end(1, hash_of({"a"})).value());
  CHECK(view.current().version == 4);
}

TEST_CASE("peer_view: a snapshot that does not agree with its digest is thrown away",
          "[interest]") {
  auto view = view_of({"a"});
  view_updates session(view);
  const auto before = view.current();
  session.begin(2);
  CHECK(session.items({"b", "c"}).has_value());
  SECTION("count") {
    CHECK(session.end(3, hash_of({"b", "c"})).error().code == errc::corrupt);
  }
  SECTION("hash") {
    CHECK(session.end(2, hash_of({"b", "d"})).error().code == errc::corrupt);
  }
  CHECK(view.current() == before);
  CHECK(session.end(2, hash_of({"b", "c"})).error().code == errc::invalid);
}

TEST_CASE("peer_view: items and end need a bracket", "[interest]") {
  auto view = view_of({"a"});
  view_updates session(view);
  CHECK(session.items({"b"}).error().code == errc::invalid);
  CHECK(session.end(0, 0).error().code == errc::invalid);

  session.begin(2);
  view_updates other(view);
  CHECK(other.items({"b"}).error().code == errc::invalid);
  CHECK(content(view) == strings{"a"});
}

TEST_CASE("peer_view: a second begin forgets the first", "[interest]") {
  peer_view view;
  view_updates session(view);
  session.begin(1);
  CHECK(session.items({"a"}).has_value());
  session.begin(2);
  CHECK(session.items({"b"}).has_value());
  CHECK(session.end(1, hash_of({"b"})).value());
  CHECK(content(view) == strings{"b"});
}

TEST_CASE("peer_view: a bad filter ends the bracket and leaves the view", "[interest]") {
  auto view = view_of({"a"});
  view_updates session(view);
  session.begin(2);
  CHECK(session.items({"b", "c/#/d"}).error().code == errc::invalid);
  CHECK(session.end(1, hash_of({"b"})).error().code == errc::invalid);
  CHECK(content(view) == strings{"a"});
}

TEST_CASE("peer_view: deltas follow one another", "[interest]") {
  auto view = view_of({"a", "b"}, 5);
  view_updates session(view);
  CHECK(session.delta(6, {"c"}, {"a"}).value());
  CHECK(content(view) == strings{"b", "c"});
  CHECK(view.current() == digest{6, 2, hash_of({"b", "c"})});

  CHECK_FALSE(session.delta(7, {"b"}, {"x"}).value());  // nothing to do
  CHECK(view.current().version == 7);

  const auto before = view.current();
  CHECK(session.delta(7, {"d"}, {}).error().code == errc::invalid);
  CHECK(session.delta(9, {"d"}, {}).error().code == errc::invalid);
  CHECK(session.delta(8, {"d", "bad#"}, {"b"}).error().code == errc::invalid);
  session.begin(20);
  CHECK(session.delta(8, {"d"}, {}).error().code == errc::invalid);
  CHECK(view.current() == before);
  CHECK(content(view) == strings{"b", "c"});
}

TEST_CASE("peer_view: a filter that is removed and added stays", "[interest]") {
  auto view = view_of({"a"});
  view_updates session(view);
  CHECK(session.delta(2, {"a"}, {"a"}).has_value());
  CHECK(view.current() == digest{2, 1, hash_of({"a"})});
}

TEST_CASE("peer_view: the number of filters has a limit", "[interest]") {
  const std::size_t max = limits::filters_per_peer_max;
  const auto fitting = numbered(max);
  peer_view view;
  view_updates session(view);
  session.begin(1);
  CHECK(session.items(numbered(max - 1)).has_value());
  CHECK(session.items({fitting.back()}).has_value());
  SECTION("one more in the snapshot") {
    CHECK(session.items({"x"}).error().code == errc::too_large);
    CHECK(view.current() == digest{});
  }
  SECTION("one more by a delta") {
    CHECK(session.end(max, hash_of(fitting)).value());
    const auto before = view.current();
    CHECK(session.delta(2, {"x", "y"}, {"0"}).error().code == errc::too_large);
    CHECK(view.current() == before);
    CHECK(view.filters().contains("0"));
    CHECK_FALSE(view.filters().contains("x"));
    CHECK(session.delta(2, {"x"}, {"0"}).value());
    CHECK(session.delta(3, {"y"}, {}).error().code == errc::too_large);
  }
}

TEST_CASE("peer_view: the bytes of filters have a limit", "[interest]") {
  const std::size_t max = limits::filter_bytes_per_peer_max;
  peer_view view;
  view_updates session(view);
  session.begin(1);
  SECTION("one less, then one more, then too many") {
    CHECK(session.items(bulky(max - 1)).has_value());
    CHECK(session.items({"x"}).has_value());
    CHECK(session.items({"x"}).has_value());  // there already
    CHECK(session.items({"y"}).error().code == errc::too_large);
  }
  SECTION("exactly") {
    const auto filters = bulky(max);
    CHECK(session.items(filters).has_value());
    CHECK(session.end(filters.size(), hash_of(filters)).value());
    const auto before = view.current();
    CHECK(session.delta(2, {"x"}, {}).error().code == errc::too_large);
    CHECK(view.current() == before);
    CHECK(session.delta(2, {"x"}, {filters.front()}).value());
  }
  SECTION("one more at once") {
    CHECK(session.items(bulky(max + 1)).error().code == errc::too_large);
  }
}

TEST_CASE("peer_view: what was restored is in force until the first snapshot", "[interest]") {
  peer_view view;
  view_updates session(view);
  view.restore({"a", "a", "b/#", "no#filter"});
  CHECK(content(view) == strings{"a", "b/#"});
  CHECK(view.current() == digest{0, 2, hash_of({"a", "b/#"})});
  session.begin(3);
  CHECK(session.end(0, 0).value());
  CHECK(view.filters().empty());
}

TEST_CASE("peer_view: clear tells whether anything was wanted", "[interest]") {
  auto view = view_of({"a"});
  CHECK(view.clear());
  CHECK(view.filters().empty());
  CHECK(view.current().hash == 0);
  CHECK_FALSE(view.clear());
}

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
  view.begin(version);
  REQUIRE(view.items(filters).has_value());
  REQUIRE(view.end(filters.size(), hash_of(filters)).has_value());
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
  view.begin(9);
  CHECK(view.items({"c"}).has_value());
  CHECK(content(view) == strings{"a", "b"});
  CHECK(view.current() == digest{7, 2, hash_of({"a", "b"})});
  CHECK(view.items({"d"}).has_value());
  CHECK(view.end(2, hash_of({"c", "d"})).value());
  CHECK(content(view) == strings{"c", "d"});
  CHECK(view.current() == digest{9, 2, hash_of({"d", "c"})});
}

TEST_CASE("peer_view: a snapshot of the same filters changes only the version", "[interest]") {
  auto view = view_of({"a"}, 1);
  view.begin(4);
  CHECK(view.items({"a", "a"}).has_value());
  CHECK_FALSE(view.end(1, hash_of({"a"})).value());
  CHECK(view.current().version == 4);
}

TEST_CASE("peer_view: a snapshot that does not agree with its digest is thrown away",
          "[interest]") {
  auto view = view_of({"a"});
  const auto before = view.current();
  view.begin(2);
  CHECK(view.items({"b", "c"}).has_value());
  SECTION("count") {
    CHECK(view.end(3, hash_of({"b", "c"})).error().code == errc::corrupt);
  }
  SECTION("hash") {
    CHECK(view.end(2, hash_of({"b", "d"})).error().code == errc::corrupt);
  }
  CHECK(view.current() == before);
  CHECK(view.end(2, hash_of({"b", "c"})).error().code == errc::invalid);
}

TEST_CASE("peer_view: items and end need a bracket", "[interest]") {
  auto view = view_of({"a"});
  CHECK(view.items({"b"}).error().code == errc::invalid);
  CHECK(view.end(0, 0).error().code == errc::invalid);

  view.begin(2);
  view.abandon();
  CHECK(view.items({"b"}).error().code == errc::invalid);
  CHECK(content(view) == strings{"a"});
}

TEST_CASE("peer_view: a second begin forgets the first", "[interest]") {
  peer_view view;
  view.begin(1);
  CHECK(view.items({"a"}).has_value());
  view.begin(2);
  CHECK(view.items({"b"}).has_value());
  CHECK(view.end(1, hash_of({"b"})).value());
  CHECK(content(view) == strings{"b"});
}

TEST_CASE("peer_view: a bad filter ends the bracket and leaves the view", "[interest]") {
  auto view = view_of({"a"});
  view.begin(2);
  CHECK(view.items({"b", "c/#/d"}).error().code == errc::invalid);
  CHECK(view.end(1, hash_of({"b"})).error().code == errc::invalid);
  CHECK(content(view) == strings{"a"});
}

TEST_CASE("peer_view: deltas follow one another", "[interest]") {
  auto view = view_of({"a", "b"}, 5);
  CHECK(view.delta(6, {"c"}, {"a"}).value());
  CHECK(content(view) == strings{"b", "c"});
  CHECK(view.current() == digest{6, 2, hash_of({"b", "c"})});

  CHECK_FALSE(view.delta(7, {"b"}, {"x"}).value());  // nothing to do
  CHECK(view.current().version == 7);

  const auto before = view.current();
  CHECK(view.delta(7, {"d"}, {}).error().code == errc::invalid);
  CHECK(view.delta(9, {"d"}, {}).error().code == errc::invalid);
  CHECK(view.delta(8, {"d", "bad#"}, {"b"}).error().code == errc::invalid);
  view.begin(20);
  CHECK(view.delta(8, {"d"}, {}).error().code == errc::invalid);
  CHECK(view.current() == before);
  CHECK(content(view) == strings{"b", "c"});
}

TEST_CASE("peer_view: a filter that is removed and added stays", "[interest]") {
  auto view = view_of({"a"});
  CHECK(view.delta(2, {"a"}, {"a"}).has_value());
  CHECK(view.current() == digest{2, 1, hash_of({"a"})});
}

TEST_CASE("peer_view: the number of filters has a limit", "[interest]") {
  const std::size_t max = limits::filters_per_peer_max;
  const auto fitting = numbered(max);
  peer_view view;
  view.begin(1);
  CHECK(view.items(numbered(max - 1)).has_value());
  CHECK(view.items({fitting.back()}).has_value());
  SECTION("one more in the snapshot") {
    CHECK(view.items({"x"}).error().code == errc::too_large);
    CHECK(view.current() == digest{});
  }
  SECTION("one more by a delta") {
    CHECK(view.end(max, hash_of(fitting)).value());
    const auto before = view.current();
    CHECK(view.delta(2, {"x", "y"}, {"0"}).error().code == errc::too_large);
    CHECK(view.current() == before);
    CHECK(view.filters().contains("0"));
    CHECK_FALSE(view.filters().contains("x"));
    CHECK(view.delta(2, {"x"}, {"0"}).value());
    CHECK(view.delta(3, {"y"}, {}).error().code == errc::too_large);
  }
}

TEST_CASE("peer_view: the bytes of filters have a limit", "[interest]") {
  const std::size_t max = limits::filter_bytes_per_peer_max;
  peer_view view;
  view.begin(1);
  SECTION("one less, then one more, then too many") {
    CHECK(view.items(bulky(max - 1)).has_value());
    CHECK(view.items({"x"}).has_value());
    CHECK(view.items({"x"}).has_value());  // there already
    CHECK(view.items({"y"}).error().code == errc::too_large);
  }
  SECTION("exactly") {
    const auto filters = bulky(max);
    CHECK(view.items(filters).has_value());
    CHECK(view.end(filters.size(), hash_of(filters)).value());
    const auto before = view.current();
    CHECK(view.delta(2, {"x"}, {}).error().code == errc::too_large);
    CHECK(view.current() == before);
    CHECK(view.delta(2, {"x"}, {filters.front()}).value());
  }
  SECTION("one more at once") {
    CHECK(view.items(bulky(max + 1)).error().code == errc::too_large);
  }
}

TEST_CASE("peer_view: what was restored is in force until the first snapshot", "[interest]") {
  peer_view view;
  view.restore({"a", "a", "b/#", "no#filter"});
  CHECK(content(view) == strings{"a", "b/#"});
  CHECK(view.current() == digest{0, 2, hash_of({"a", "b/#"})});
  view.begin(3);
  CHECK(view.end(0, 0).value());
  CHECK(view.filters().empty());
}

TEST_CASE("peer_view: clear tells whether anything was wanted", "[interest]") {
  auto view = view_of({"a"});
  CHECK(view.clear());
  CHECK(view.filters().empty());
  CHECK(view.current().hash == 0);
  CHECK_FALSE(view.clear());
}

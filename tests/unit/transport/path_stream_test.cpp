#include "transport/path_stream.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

using namespace linkd;
using namespace linkd::transport;

namespace {

const direction london_to_paris{"london", "paris", true};
const std::optional<secret> key{secret("0123456789abcdef0123456789abcdef")};

struct two_ends {
  path_stream london{{1, 1}, london_to_paris, key};
  path_stream paris{{1, 1}, london_to_paris.reversed(), key};
};

}  // namespace

TEST_CASE("path stream: both directions, each with its own numbers", "[transport]") {
  two_ends ends;
  for (const bytes frame : {"one", "two"}) {
    CHECK(ends.paris.open(ends.london.seal(frame)).value() == frame);
    CHECK(ends.london.open(ends.paris.seal(frame)).value() == frame);
  }
}

TEST_CASE("path stream: a replayed envelope is refused", "[transport]") {
  two_ends ends;
  const bytes sealed = ends.london.seal("frame");
  CHECK(ends.paris.open(sealed).value() == "frame");
  CHECK(ends.paris.open(sealed).error().code == errc::exists);
  for (int i = 0; i < 5000; ++i) REQUIRE(ends.paris.open(ends.london.seal("later")).has_value());
  CHECK(ends.paris.open(sealed).error().code == errc::exists);
}

TEST_CASE("path stream: what was reordered by less than the window arrives once", "[transport]") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  two_ends ends;
  std::vector<bytes> sealed;
  for (int i = 0; i < 4096; ++i) sealed.push_back(ends.london.seal("frame"));
  for (std::size_t begin = 0; begin < sealed.size(); begin += 1024) {
    const auto first = sealed.begin() + static_cast<std::ptrdiff_t>(begin);
    std::shuffle(first, first + 1024, random);
    for (auto each = first; each != first + 1024; ++each)
      REQUIRE(ends.paris.open(*each).has_value());
    for (auto each = first; each != first + 1024; ++each) {
      REQUIRE(ends.paris.open(*each).error().code == errc::exists);
    }
  }
}

TEST_CASE("path stream: an envelope of an earlier path does not enter a later one", "[transport]") {
  two_ends ends;
  path_stream later({1, 2}, london_to_paris.reversed(), key);
  CHECK(later.open(ends.london.seal("frame")).error().code == errc::not_found);
}

TEST_CASE("path stream: an end is told, whatever its number", "[transport]") {
  two_ends ends;
  CHECK(ends.paris.open(ends.london.seal("frame")).value() == "frame");
  path_stream forgetful({1, 1}, london_to_paris, key);
  const auto end = ends.paris.open(forgetful.seal({}));
  REQUIRE(end.has_value());
  CHECK(end->empty());
}

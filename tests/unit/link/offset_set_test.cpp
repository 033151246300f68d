#include "link/offset_set.hpp"

#include <catch2/catch.hpp>

using linkd::link::offset_set;

namespace {

offset_set of(std::initializer_list<std::uint64_t> offsets) {
  offset_set out;
  for (const auto each : offsets) out.insert(each);
  return out;
}

}  // namespace

TEST_CASE("offset set: the first is the lowest that is left, in whatever order they leave",
          "[link]") {
  offset_set left = of({3, 4, 7, 9});
  CHECK(left.first() == 3);
  left.erase(4);
  CHECK(left.first() == 3);
  left.erase(3);
  CHECK(left.first() == 7);
  left.erase(9);
  CHECK(left.first() == 7);
  left.erase(7);
  CHECK(left.first() == std::nullopt);
}

TEST_CASE("offset set: what is not in it leaves it as it is", "[link]") {
  offset_set left = of({3, 7});
  for (const std::uint64_t absent : {0, 5, 8}) left.erase(absent);
  left.erase(7);
  left.erase(7);
  CHECK(left.first() == 3);
}

TEST_CASE("offset set: all from one on leave together and may come again", "[link]") {
  offset_set left = of({3, 4, 7, 9});
  left.erase(7);
  left.erase_from(4);
  CHECK(left.first() == 3);
  left.insert(4);
  left.erase(3);
  CHECK(left.first() == 4);
  left.erase_from(0);
  CHECK(left.first() == std::nullopt);
}

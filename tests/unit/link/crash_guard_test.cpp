#include <catch2/catch.hpp>

#include "link/crash_guard.hpp"
#include "tests/support/memory_storage.hpp"

using namespace linkd;
using link::crash_guard;

namespace {

constexpr wire::cursor here{7, 100};
constexpr wire::cursor further{7, 101};

// One process after another over one disk.
struct lives {
  crash_guard begin(const std::optional<wire::cursor>& saved) {
    disk.kill_process();
    auto opened = crash_guard::open(disk, "trial", saved);
    REQUIRE(opened.has_value());
    return std::move(*opened);
  }
  test::memory_storage disk;
};

}  // namespace

TEST_CASE("crash guard: the first life is not careful, nor one after progress") {
  lives all;
  CHECK_FALSE(all.begin(std::nullopt).careful());
  CHECK_FALSE(all.begin(here).careful());
  CHECK_FALSE(all.begin(further).careful());
}

TEST_CASE(
    "crash guard: a life without progress makes the next one careful, an orderly end does not") {
  lives all;
  all.begin(here);
  CHECK(all.begin(here).careful());
  auto orderly = all.begin(here);
  REQUIRE(orderly.end_trial().has_value());
  CHECK_FALSE(all.begin(here).careful());
}

TEST_CASE("crash guard: lives that end without a trial are no deaths, however many") {
  lives all;
  for (int i = 0; i < 10; ++i) CHECK(all.begin(here).deaths(here) == 0);
}

TEST_CASE("crash guard: deaths on trial are counted by record, over lives") {
  lives all;
  for (std::uint32_t deaths = 0; deaths < 5; ++deaths) {
    auto life = all.begin(here);
    CHECK(life.deaths(here) == deaths);
    CHECK(life.deaths(further) == 0);
    REQUIRE(life.begin_trial(here).has_value());
    REQUIRE(life.begin_trial(here).has_value());  // again in the same life: counts once
  }
  auto life = all.begin(here);
  CHECK(life.careful());
  REQUIRE(life.begin_trial(further).has_value());
  auto next = all.begin(further);
  CHECK(next.careful());
  CHECK(next.deaths(here) == 0);
  CHECK(next.deaths(further) == 1);
  CHECK(next.deaths({8, 101}) == 0);  // of another queue
}

TEST_CASE("crash guard: a death on trial stays counted over a life that tried nothing") {
  lives all;
  REQUIRE(all.begin(here).begin_trial(here).has_value());
  all.begin(here);
  CHECK(all.begin(here).deaths(here) == 1);
}

TEST_CASE("crash guard: a trial that was taken back is no death") {
  lives all;
  auto life = all.begin(here);
  REQUIRE(life.begin_trial(here).has_value());
  REQUIRE(life.end_trial().has_value());
  CHECK(all.begin(here).deaths(here) == 0);
}

TEST_CASE("crash guard: a damaged file is as none") {
  lives all;
  REQUIRE(all.begin(here).begin_trial(here).has_value());
  all.disk.set_contents("trial", bytes(1024, 'x'));
  const auto life = all.begin(here);
  CHECK_FALSE(life.careful());
  CHECK(life.deaths(here) == 0);
}

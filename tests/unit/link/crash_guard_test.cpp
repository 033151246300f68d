#include <catch2/catch.hpp>

#include "link/crash_guard.hpp"
#include "mqtt_linkd/limits.hpp"
#include "tests/unit/link/fake_crash_journal.hpp"

using namespace linkd;
using link::is_poison;
using link::is_suspect;

TEST_CASE("crash guard: a record is poison after so many crashes with it alone in hand", "[link]") {
  fake_crash_journal journal;
  for (int crashes = 0; crashes <= limits::crashes_max + 1; ++crashes) {
    CHECK(is_poison(journal, 7, 100) == (crashes >= limits::crashes_max));
    CHECK_FALSE(is_poison(journal, 7, 99));
    CHECK_FALSE(is_poison(journal, 7, 101));
    CHECK_FALSE(is_poison(journal, 8, 100));
    journal.earlier.push_back({7, 100, 101});
    journal.earlier.push_back({9, 5, 6});  // another one, in turn with it
  }
}

TEST_CASE("crash guard: what was in hand with others is suspect, never poison", "[link]") {
  fake_crash_journal journal;
  journal.earlier.assign(10, {7, 100, 110});
  for (const std::uint64_t offset : {100u, 105u, 109u}) {
    CHECK(is_suspect(journal, 7, offset));
    CHECK_FALSE(is_poison(journal, 7, offset));
  }
  CHECK_FALSE(is_suspect(journal, 7, 99));
  CHECK_FALSE(is_suspect(journal, 7, 110));
  CHECK_FALSE(is_suspect(journal, 8, 105));
}

TEST_CASE("crash guard: in_hand puts down what it took", "[link]") {
  fake_crash_journal journal;
  {
    const in_hand guard(journal, {7, 1, 2});
    CHECK(journal.held == queue_records{7, 1, 2});
  }
  CHECK_FALSE(journal.held);
}

TEST_CASE("crash guard: the dead letter holds the record as it is", "[link]") {
  const auto letter = link::letter_about_poison(stamp(milliseconds(5)), "not decoded");
  CHECK(letter.payload == "not decoded");
  CHECK(letter.topic.empty());
  CHECK(letter.when == stamp(milliseconds(5)));
}

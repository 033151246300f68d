#include "tests/unit/queue/ledger.hpp"

// Crashes and failing calls at every place.
namespace linkd::queue {
namespace {

constexpr std::uint64_t far = 1'000'000;  // more calls than any workload here makes

// Batches over several segments, releases, an orderly restart. Stops when the disk is dead.
void fixed_workload(test::memory_storage& disk, ledger& book) {
  for (int round = 0; round < 2; ++round) {
    std::vector<damage> found;
    auto opened = link_queue::open(disk, "queue", small_queue(), first_id, at_ms(0), found);
    if (!opened) return;
    auto& queue = **opened;
    for (int batch = 0; batch < 12; ++batch) {
      if (!book.write(queue, 3 + static_cast<std::size_t>(batch)) && disk.hit()) return;
      if (disk.hit()) return;
      book.check(queue);
      if (batch % 3 == 2) book.release_some(queue);
    }
  }
}

TEST_CASE("queue: a crash at any call loses nothing that was committed") {
  const bool power = GENERATE(false, true);
  for (std::uint64_t n = 0; n < far; ++n) {
    CAPTURE(power, n);
    test::memory_storage disk;
    ledger book(n);
    disk.halt_at(n);
    fixed_workload(disk, book);
    const bool done = !disk.hit();
    if (power)
      disk.crash(book.random());
    else
      disk.kill_process();
    for (int again = 0; again < 2; ++again) {
      const auto queue = book.reopen(disk, small_queue());
      book.check(*queue);
      CHECK(book.write(*queue, 5));
      book.check(*queue);
    }
    if (done) break;
  }
}

void random_life(test::memory_storage& disk, ledger& book, const queue_settings& settings,
                 bool power) {
  auto& random = book.random();
  const bool may_lose = power && settings.sync == sync_policy::none;
  for (int life = 0; life < 40; ++life) {
    CAPTURE(life);
    // A crash while opening changes nothing.
    if (random.below(4) == 0) {
      disk.halt_at(random.below(8));
      std::vector<damage> found;
      (void)link_queue::open(disk, "queue", settings, random.next(), at_ms(0), found);
      power ? disk.crash(random) : disk.kill_process();
    }
    const auto queue = book.reopen(disk, settings, may_lose);
    if (!may_lose) book.check(*queue);
    disk.halt_at(random.below(60));
    while (!disk.hit()) {
      const auto what = random.below(10);
      if (what < 6 && !book.write(*queue, 1 + random.below(12))) break;
      if (disk.hit()) break;
      if (what == 6) book.release_some(*queue);
      if (what == 7) (void)commit(*queue);
      if (what == 8 && !may_lose) book.check(*queue);
      if (queue->messages() > 60) book.release_some(*queue);
    }
    power ? disk.crash(random) : disk.kill_process();
  }
}

TEST_CASE("queue: many lives with crashes at random calls, synced, lose nothing") {
  const auto seed = GENERATE(range(1, 11));
  const bool power = GENERATE(false, true);
  CAPTURE(seed, power);
  test::memory_storage disk;
  ledger book(static_cast<std::uint64_t>(seed));
  random_life(disk, book, small_queue(), power);
}

TEST_CASE("queue: many lives killed without sync lose nothing") {
  const auto seed = GENERATE(range(1, 11));
  CAPTURE(seed);
  auto settings = small_queue();
  settings.sync = sync_policy::none;
  test::memory_storage disk;
  ledger book(static_cast<std::uint64_t>(seed));
  random_life(disk, book, settings, false);
}

TEST_CASE("queue: what came back after kill -9 is on disk before it can be sent") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    test::memory_storage disk;
    std::vector<damage> found;
    {
      const auto queue = open_queue(disk, found);
      REQUIRE(store(*queue, "synced"));
      REQUIRE(queue->append(bytes(5000, 'x'), at_ms(2)));
      disk.halt_at(1);  // written, not synced
      CHECK_FALSE(commit(*queue));
      disk.kill_process();
    }
    const auto back = read_all(*open_queue(disk, found), found);
    REQUIRE(back.size() == 2);
    test::seeded_random random(seed);
    disk.crash(random);
    CHECK(read_all(*open_queue(disk, found), found) == back);
    CHECK(found.empty());
  }
}

TEST_CASE("queue: what a failed sync left in memory is on disk before anything is put behind it") {
  const bool first_batch = GENERATE(true, false);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    test::memory_storage disk;
    std::vector<damage> found;
    {
      const auto queue = open_queue(disk, found);
      if (!first_batch) REQUIRE(store(*queue, "synced"));
      disk.fail({0, errc::io, true, test::storage_call::sync});
      CHECK_FALSE(store(*queue, bytes(5000, 'x')));
      disk.kill_process();
    }
    disk.heal();
    std::vector<kept> stored;
    {
      const auto queue = open_queue(disk, found);
      REQUIRE(store(*queue, "acknowledged"));
      stored = read_all(*queue, found);
    }
    test::seeded_random random(seed);
    disk.crash(random);
    CHECK(read_all(*open_queue(disk, found), found) == stored);
    CHECK(found.empty());
  }
}

}  // namespace
}  // namespace linkd::queue

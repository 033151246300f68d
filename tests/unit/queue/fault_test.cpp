#include "tests/unit/queue/ledger.hpp"

// Calls that fail while the process lives on, and the disk that is full.
namespace linkd::queue {
namespace {

constexpr std::uint64_t far = 1'000'000;  // more calls than any workload here makes

// Batches over several segments with releases; errors are allowed once the fault has been met.
void workload(test::memory_storage& disk, ledger& book, link_queue& queue) {
  for (int batch = 0; batch < 10; ++batch) {
    const bool ok = book.write(queue, 4 + static_cast<std::size_t>(batch));
    CHECK((ok || disk.hit()));
    if (batch % 3 == 2) book.release_some(queue);
  }
}

TEST_CASE("queue: after a call that failed, once or for a while, everything goes on") {
  const bool for_ever = GENERATE(false, true);
  const auto code = GENERATE(errc::io, errc::no_space);
  for (std::uint64_t n = 0; n < far; ++n) {
    CAPTURE(for_ever, static_cast<int>(code), n);
    test::memory_storage disk;
    ledger book(n);
    auto queue = book.reopen(disk, small_queue());
    disk.fail({n, code, for_ever, std::nullopt});
    workload(disk, book, *queue);
    const bool done = !disk.hit();
    disk.heal();
    book.check(*queue);
    CHECK(book.write(*queue, 5));
    book.check(*queue);
    // What was discarded does not come back: not in an orderly way, not after kill -9, not after a
    // power cut.
    queue.reset();
    queue = book.reopen(disk, small_queue());
    book.check(*queue);
    CHECK(book.write(*queue, 5));
    if (n % 2 == 0)
      disk.crash(book.random());
    else
      disk.kill_process();
    queue = book.reopen(disk, small_queue());
    book.check(*queue);
    if (done) break;
  }
}

TEST_CASE("queue: a disk that fails while it is opened is an error or survived, never a loss") {
  const bool for_ever = GENERATE(false, true);
  for (std::uint64_t n = 0; n < far; ++n) {
    CAPTURE(for_ever, n);
    test::memory_storage disk;
    ledger book(n);
    {
      const auto queue = book.reopen(disk, small_queue());
      for (int batch = 0; batch < 10; ++batch) REQUIRE(book.write(*queue, 6));
      book.release_some(*queue);
    }
    disk.fail({n, errc::io, for_ever, std::nullopt});
    std::vector<damage> found;
    auto opened = link_queue::open(disk, "queue", small_queue(), 7, at_ms(0), found);
    const bool done = !disk.hit();
    disk.heal();
    if (opened) book.check(**opened);
    opened = error{};
    const auto queue = book.reopen(disk, small_queue());
    book.check(*queue);
    if (done) break;
  }
}

TEST_CASE("queue: a failed sync is never repeated on its file, and its batch never comes back") {
  test::memory_storage disk;
  std::vector<damage> found;
  auto queue = open_queue(disk, found);
  REQUIRE(store(*queue, "good"));
  REQUIRE(queue->append("discarded", at_ms(2)));
  disk.fail({0, errc::io, false, test::storage_call::sync});
  CHECK_FALSE(commit(*queue));
  REQUIRE(disk.hit());
  CHECK(queue->end() == 1);
  CHECK(queue->messages() == 1);
  CHECK(bodies(read_all(*queue, found)) == std::vector<bytes>{"good"});
  // The kernel would say yes to a second sync and have stored nothing.
  REQUIRE(store(*queue, "after"));
  CHECK(disk.paths() == std::vector<std::string>{"queue/0000000001.seg", "queue/0000000002.seg",
                                                 "queue/0000000003.seg", "queue/checkpoint"});
  test::seeded_random random(1);
  disk.crash(random);
  queue = open_queue(disk, found);
  CHECK(read_all(*queue, found) == std::vector<kept>{{0, "good"}, {1, "after"}});
  CHECK(found.empty());
}

TEST_CASE("queue: nothing is deleted before the checkpoint that lets go of it is on disk") {
  test::memory_storage disk;
  std::vector<damage> found;
  auto queue = open_queue(disk, found);
  for (int i = 0; i < 4; ++i) REQUIRE(store(*queue, bytes(50'000, 'x')));
  queue->release(queue->end());
  disk.fail({0, errc::io, false, test::storage_call::sync});
  CHECK(commit(*queue));  // there was nothing to store
  REQUIRE(disk.hit());
  CHECK(disk.paths().front() == "queue/0000000001.seg");

  const bool goes_on = GENERATE(false, true);
  if (goes_on) {
    REQUIRE(store(*queue, "after"));
    CHECK(disk.paths().front() == "queue/0000000004.seg");
  }
  test::seeded_random random(1);
  disk.crash(random);
  queue = open_queue(disk, found);
  CHECK(found.empty());
  CHECK(queue->begin() == (goes_on ? 4 : 0));
}

TEST_CASE("queue: a batch that could not be stored in a segment of its own leaves nothing behind") {
  test::memory_storage disk;
  std::vector<damage> found;
  auto queue = open_queue(disk, found);
  REQUIRE(queue->append("discarded", at_ms(1)));
  disk.fail({0, errc::io, true, test::storage_call::sync});
  CHECK_FALSE(commit(*queue));
  CHECK(disk.paths() == std::vector<std::string>{"queue/checkpoint"});
  disk.kill_process();
  queue = open_queue(disk, found);
  CHECK(queue->messages() == 0);
  CHECK(found.empty());
}

TEST_CASE(
    "queue: what was staged while a commit failed is discarded with it, so nothing overtakes") {
  test::memory_storage disk;
  std::vector<damage> found;
  const auto queue = open_queue(disk, found);
  REQUIRE(store(*queue, "good"));
  REQUIRE(queue->append("first", at_ms(2)));
  const auto job = queue->start_commit();
  REQUIRE(queue->append("second", at_ms(3)));
  CHECK(queue->start_commit() == nullptr);
  disk.fail({0, errc::io, false, test::storage_call::write});
  job->run();
  CHECK(queue->finish_commit(job, 0x77).has_error());
  CHECK(queue->messages() == 1);
  CHECK(queue->body_bytes() == 4);
  REQUIRE(store(*queue, "third"));
  CHECK(read_all(*queue, found) == std::vector<kept>{{0, "good"}, {1, "third"}});
}

TEST_CASE("queue: on a full disk it uses its spare, then says no, still shrinks, and recovers") {
  test::memory_storage disk;
  ledger book(1);
  const auto queue = book.reopen(disk, small_queue());
  REQUIRE(book.write(*queue, 1));
  disk.set_free_bytes(0);
  std::size_t stored = 0;
  while (book.write(*queue, 1, 3000)) ++stored;
  // More than what was left of one segment.
  CHECK(stored * 3000 > segment_bytes_min);
  book.check(*queue);
  CHECK_FALSE(book.write(*queue, 30, 3000));
  book.check(*queue);

  CHECK(disk.paths().front() == "queue/0000000001.seg");
  book.release(*queue, queue->end());
  REQUIRE(commit(*queue));
  CHECK(disk.paths().front() == "queue/0000000002.seg");
  CHECK(queue->messages() == 0);
  CHECK(book.write(*queue, 1));
  book.check(*queue);

  disk.set_free_bytes(std::nullopt);
  CHECK(book.write(*queue, 100));
  book.check(*queue);
}

TEST_CASE(
    "queue: a directory that is lost while in use takes nothing, and goes on when it is back") {
  test::memory_storage disk;
  ledger book(1);
  auto queue = book.reopen(disk, small_queue());
  REQUIRE(book.write(*queue, 10));
  disk.set_lost("queue", true);
  CHECK_FALSE(book.write(*queue, 10));
  CHECK_FALSE(book.write(*queue, 10));
  book.check(*queue);
  disk.set_lost("queue", false);
  CHECK(book.write(*queue, 10));
  book.check(*queue);
  disk.kill_process();
  queue = book.reopen(disk, small_queue());
  book.check(*queue);
}

TEST_CASE("queue: a disk that does not answer delays, and costs nothing") {
  test::memory_storage disk;
  ledger book(1);
  const auto queue = book.reopen(disk, small_queue());
  REQUIRE(book.write(*queue, 40));
  disk.fail({0, errc::io, true, test::storage_call::read});
  std::vector<damage> found;
  const auto batch = queue->read(0, 1000, found);
  CHECK(batch.records.empty());
  CHECK(batch.end == 0);
  REQUIRE(found.size() == 1);
  CHECK(found[0].records == 0);
  disk.heal();
  book.check(*queue);
  CHECK(queue->take_removed().damaged == 0);
}

}  // namespace
}  // namespace linkd::queue

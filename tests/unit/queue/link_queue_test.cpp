#include <map>
#include <thread>

#include "tests/unit/queue/queue_fixture.hpp"

namespace linkd::queue {
namespace {

using records = std::vector<bytes>;

TEST_CASE("queue: records are read in order, from any offset, as soon as they are staged") {
  test::memory_storage disk;
  std::vector<damage> found;
  const auto queue = open_queue(disk, found);
  CHECK(queue->id() == first_id);
  REQUIRE(queue->append("one", at_ms(1)));
  REQUIRE(queue->append("two", at_ms(2)));
  CHECK(queue->end() == 2);
  CHECK(queue->committed_end() == 0);
  CHECK(queue->messages() == 2);
  CHECK(queue->bytes_after(1) == 3);
  CHECK(bodies(read_all(*queue, found)) == records{"one", "two"});
  CHECK(bodies(read_all(*queue, found, 1, 1)) == records{"two"});
  CHECK(queue->read(2, 100, found).records.empty());
  REQUIRE(commit(*queue));
  REQUIRE(store(*queue, "three", 3));
  CHECK(queue->end() == 3);
  CHECK(queue->committed_end() == 3);
  CHECK(bodies(read_all(*queue, found)) == records{"one", "two", "three"});
  CHECK(bodies(read_all(*queue, found, 1)) == records{"two", "three"});
  CHECK(bodies(read_all(*queue, found, 0, 1)) == records{"one", "two", "three"});
  CHECK(found.empty());
}

TEST_CASE("queue: a reopened queue holds what was committed and not released") {
  test::memory_storage disk;
  std::vector<damage> found;
  {
    const auto queue = open_queue(disk, found);
    for (const auto* each : {"one", "two", "three"}) REQUIRE(store(*queue, each));
    queue->release(1);
    REQUIRE(queue->append("staged only", at_ms(9)));
  }
  const auto queue = open_queue(disk, found, small_queue(), first_id + 1);
  CHECK(queue->id() == first_id);
  CHECK(queue->begin() == 1);
  CHECK(queue->end() == 3);
  CHECK(queue->messages() == 2);
  CHECK(queue->body_bytes() == 8);
  CHECK(bodies(read_all(*queue, found)) == records{"two", "three"});
  REQUIRE(store(*queue, "four"));
  CHECK(read_all(*queue, found).back() == kept{3, "four"});
  CHECK(found.empty());
}

TEST_CASE("queue: empty records and records larger than a segment are records like others") {
  test::memory_storage disk;
  std::vector<damage> found;
  const records all{"", bytes(300'000, 'x'), "small", bytes(segment_bytes_min, 'y'), ""};
  {
    const auto queue = open_queue(disk, found);
    for (const auto& each : all) REQUIRE(queue->append(each, at_ms(1)));
    REQUIRE(commit(*queue));
    CHECK(bodies(read_all(*queue, found)) == all);
  }
  const auto queue = open_queue(disk, found);
  CHECK(bodies(read_all(*queue, found, 0, 1 << 20)) == all);
  CHECK(found.empty());
}

TEST_CASE("queue: work ends: a job is due only if there is something to do") {
  test::memory_storage disk;
  std::vector<damage> found;
  const auto queue = open_queue(disk, found);
  REQUIRE(commit(*queue));  // makes the first spare
  CHECK(queue->start_commit() == nullptr);
  REQUIRE(store(*queue, "one"));
  CHECK(queue->start_commit() == nullptr);
  queue->release(1);
  REQUIRE(commit(*queue));
  queue->release(1);
  CHECK(queue->start_commit() == nullptr);
  // A full disk is not asked again and again for a spare.
  disk.set_free_bytes(0);
  for (int i = 0; i < 40; ++i) (void)store(*queue, bytes(3000, 'x'));
  CHECK(queue->start_commit() == nullptr);
}

TEST_CASE("queue: a job may run late, and be finished once") {
  test::memory_storage disk;
  std::vector<damage> found;
  const auto queue = open_queue(disk, found);
  REQUIRE(queue->append("one", at_ms(1)));
  const auto job = queue->start_commit();
  REQUIRE(queue->append("two", at_ms(2)));
  CHECK(queue->start_commit() == nullptr);
  CHECK(queue->messages() == 2);
  CHECK(queue->oldest() == at_ms(1));
  CHECK(bodies(read_all(*queue, found)) == records{"one", "two"});
  job->run();
  CHECK(queue->committed_end() == 0);
  CHECK(bodies(read_all(*queue, found)) == records{"one", "two"});
  REQUIRE(queue->finish_commit(job, 0x77).has_value());
  CHECK(queue->committed_end() == 1);
  CHECK(queue->finish_commit(job, 0x77).has_error());
  CHECK(queue->finish_commit(nullptr, 0x77).has_error());
  REQUIRE(commit(*queue));
  CHECK(bodies(read_all(*queue, found)) == records{"one", "two"});
}

TEST_CASE("queue: a job runs on another thread while the queue is read and appended to") {
  test::memory_storage disk;
  std::vector<damage> found;
  const auto queue = open_queue(disk, found);
  std::uint64_t offset = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    REQUIRE(queue->append(bytes(2000, 'x'), at_ms(i)));
    const auto job = queue->start_commit();
    REQUIRE(job);
    std::thread elsewhere([&] { job->run(); });
    REQUIRE(queue->append(bytes(1000, 'y'), at_ms(i)));
    const auto batch = queue->read(offset, 10'000, found);
    for (const auto& each : batch.records)
      CHECK((each.body == (each.offset % 2 == 0 ? bytes(2000, 'x') : bytes(1000, 'y'))));
    offset = batch.end;
    queue->release(offset / 2);
    CHECK(queue->body_bytes() > 0);
    elsewhere.join();
    REQUIRE(queue->finish_commit(job, 0x77).has_value());
  }
  CHECK(queue->committed_end() == 399);
  CHECK(offset == 400);
  CHECK(found.empty());
}

TEST_CASE("queue: a job that outlives its queue does no harm, and its batch is whole") {
  test::memory_storage disk;
  std::vector<damage> found;
  auto queue = open_queue(disk, found);
  REQUIRE(queue->append("one", at_ms(1)));
  auto job = queue->start_commit();
  queue.reset();
  const auto second = link_queue::open(disk, "queue", small_queue(), 1, at_ms(0), found);
  REQUIRE(second.has_error());
  CHECK(second.error().code == errc::locked);
  job->run();
  job.reset();
  queue = open_queue(disk, found);
  CHECK(bodies(read_all(*queue, found)) == records{"one"});
}

TEST_CASE("queue: two queues never share a directory") {
  test::memory_storage disk;
  std::vector<damage> found;
  auto queue = open_queue(disk, found);
  const auto second = link_queue::open(disk, "queue", small_queue(), 1, at_ms(0), found);
  REQUIRE(second.has_error());
  CHECK(second.error().code == errc::locked);
  queue.reset();
  CHECK(open_queue(disk, found)->id() == first_id);
}

// Appends and commits `count` records of 5,000 bytes; answers how many were taken.
std::size_t flood(link_queue& queue, std::size_t count) {
  std::size_t taken = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (queue.append(bytes(5000, 'x'), at_ms(i))) ++taken;
    if (i % 7 == 0) REQUIRE(commit(queue));
  }
  REQUIRE(commit(queue));
  return taken;
}

TEST_CASE("queue: drop_oldest keeps the newest within the limit and counts the rest") {
  test::memory_storage disk;
  std::vector<damage> found;
  const auto queue = open_queue(disk, found);
  CHECK(flood(*queue, 1000) == 1000);
  CHECK(queue->end() == 1000);
  CHECK(queue->take_removed().overflow == queue->begin());
  CHECK(queue->take_removed().overflow == 0);
  CHECK(disk.used_bytes() <= small_queue().bytes_max + 2 * segment_bytes_min);
  // At least the limit less the segments at its ends and what their headers cost.
  CHECK(queue->body_bytes() > small_queue().bytes_max * 3 / 4);
  CHECK(read_all(*queue, found).front().offset == queue->begin());
  CHECK(found.empty());
}

TEST_CASE("queue: drop_newest refuses what does not fit and takes more when there is room") {
  test::memory_storage disk;
  std::vector<damage> found;
  auto settings = small_queue();
  settings.overflow = overflow_policy::drop_newest;
  const auto queue = open_queue(disk, found, settings);
  const auto taken = flood(*queue, 1000);
  CHECK(taken < 1000);
  CHECK(queue->begin() == 0);
  CHECK(queue->end() == taken);
  CHECK(queue->take_removed().overflow == 1000 - taken);
  CHECK(disk.used_bytes() <= settings.bytes_max + 2 * segment_bytes_min);
  queue->release(taken / 2);
  REQUIRE(commit(*queue));
  CHECK(flood(*queue, 10) == 10);
}

TEST_CASE("queue: a record too large for the limit is dropped and counted, the others stay") {
  const auto policy = GENERATE(overflow_policy::drop_oldest, overflow_policy::drop_newest);
  test::memory_storage disk;
  std::vector<damage> found;
  auto settings = small_queue();
  settings.overflow = policy;
  const auto queue = open_queue(disk, found, settings);
  REQUIRE(store(*queue, "small"));
  CHECK_FALSE(queue->append(bytes(settings.bytes_max, 'x'), at_ms(2)));
  CHECK(queue->take_removed().overflow == 1);
  CHECK(queue->messages() == 1);
}

TEST_CASE("queue: a smaller limit takes effect at once") {
  test::memory_storage disk;
  std::vector<damage> found;
  auto settings = small_queue();
  settings.bytes_max = 4u << 20;
  const auto queue = open_queue(disk, found, settings);
  CHECK(flood(*queue, 600) == 600);
  REQUIRE(queue->begin() == 0);
  queue->configure(small_queue());
  REQUIRE(commit(*queue));
  CHECK(queue->begin() > 0);
  CHECK(queue->take_removed().overflow == queue->begin());
  CHECK(disk.used_bytes() <= small_queue().bytes_max + (4u << 20) / 16 + segment_bytes_min);
}

TEST_CASE("queue: max_age drops what is older, also while it was closed, and counts it") {
  test::memory_storage disk;
  std::vector<damage> found;
  auto settings = small_queue();
  settings.age_max = seconds(10);
  {
    const auto queue = open_queue(disk, found, settings);
    for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(store(*queue, bytes(2000, 'x'), i * 1000));
    queue->expire(at_ms(10'000));
    CHECK(queue->begin() == 0);
    queue->expire(at_ms(10'001));
    CHECK(queue->begin() == 1);
    CHECK(queue->oldest() == at_ms(1000));
    queue->expire(at_ms(60'001));
    CHECK(queue->begin() == 51);
    CHECK(queue->take_removed().age == 51);
  }
  const auto queue = open_queue(disk, found, settings, first_id, at_ms(200'000));
  CHECK(queue->take_removed().age == 49);
  CHECK(queue->messages() == 0);
  CHECK_FALSE(queue->oldest());
  CHECK(queue->end() == 100);
}

TEST_CASE(
    "queue: without sync, an orderly close keeps the id, kill -9 does not and loses nothing") {
  test::memory_storage disk;
  std::vector<damage> found;
  auto settings = small_queue();
  settings.sync = sync_policy::none;
  auto queue = open_queue(disk, found, settings);
  const auto syncs = disk.calls(test::storage_call::sync);
  REQUIRE(store(*queue, "one"));
  // Only the spare and the first segment were made safe, no record was.
  CHECK(disk.calls(test::storage_call::sync) == syncs + 2);
  REQUIRE(store(*queue, "two"));
  CHECK(disk.calls(test::storage_call::sync) == syncs + 2);
  queue.reset();
  queue = open_queue(disk, found, settings, 2);
  CHECK(queue->id() == first_id);
  REQUIRE(store(*queue, "three"));
  disk.kill_process();
  queue.reset();
  queue = open_queue(disk, found, settings, 3);
  CHECK(queue->id() == 3);
  CHECK(bodies(read_all(*queue, found)) == records{"one", "two", "three"});
  CHECK(found.empty());
}

TEST_CASE("queue: without sync, a power cut never leaves two stories under one id") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    test::memory_storage disk;
    test::seeded_random random(seed);
    auto settings = small_queue();
    settings.sync = sync_policy::none;
    std::map<std::pair<std::uint64_t, std::uint64_t>, bytes> sent;
    std::uint64_t body = 0;
    for (std::uint64_t life = 1; life < 6; ++life) {
      std::vector<damage> found;
      const auto queue = open_queue(disk, found, settings, life);
      for (int i = 0; i < 5; ++i) {
        for (int k = 0; k < 3; ++k)
          REQUIRE(queue->append(std::to_string(++body) + bytes(random.below(900), '.'), at_ms(1)));
        REQUIRE(commit(*queue));
      }
      for (const auto& each : read_all(*queue, found, queue->begin())) {
        const auto [known, is_new] = sent.try_emplace({queue->id(), each.offset}, each.body);
        CHECK((is_new || known->second == each.body));
      }
      disk.crash(random);
    }
  }
}

TEST_CASE("queue: a backlog is read in one pass, also in small pieces") {
  test::memory_storage disk;
  std::vector<damage> found;
  queue_settings settings;
  settings.bytes_max = 256u << 20;
  const auto queue = open_queue(disk, found, settings);
  for (int i = 0; i < 300'000; ++i) {
    REQUIRE(queue->append("a message", at_ms(1)));
    if (i % 500 == 499) REQUIRE(commit(*queue));
  }
  CHECK(queue->messages() == 300'000);
  const auto reads = disk.calls(test::storage_call::read);
  std::uint64_t offset = 0, batches = 0;
  for (; offset < queue->end(); ++batches) offset = queue->read(offset, 10'000, found).end;
  const auto segments_read = 300'000 * record_stride(9) / (64u << 10) + 8;
  CHECK(disk.calls(test::storage_call::read) - reads < segments_read * 2);
  CHECK(batches > 200);
}

}  // namespace
}  // namespace linkd::queue

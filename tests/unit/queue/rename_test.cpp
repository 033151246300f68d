#include "tests/unit/queue/queue_fixture.hpp"

// Records may be sent before they are committed: what an offset means must not change under one id.
namespace linkd::queue {
namespace {

using formers = std::vector<former_id>;

constexpr std::uint64_t renamed_id = 0x77;  // by commit(), if it fails
constexpr std::uint64_t next_life_id = 0x99;

std::unique_ptr<link_queue> next_life(test::memory_storage& disk, std::vector<damage>& found) {
  return open_queue(disk, found, small_queue(), next_life_id);
}

TEST_CASE("queue: closed in order it keeps its id") {
  test::memory_storage disk;
  std::vector<damage> found;
  auto queue = open_queue(disk, found);
  REQUIRE(store(*queue, "one"));
  REQUIRE(queue->append("staged, not read", at_ms(1)));
  queue.reset();
  queue = next_life(disk, found);
  CHECK(queue->id() == first_id);
  CHECK(queue->former_ids().empty());
}

TEST_CASE("queue: killed, or closed with something read that is not committed, it has a new id") {
  test::memory_storage disk;
  std::vector<damage> found;
  auto queue = open_queue(disk, found);
  REQUIRE(store(*queue, "one"));
  SECTION("killed") {
    disk.kill_process();
  }
  SECTION("closed") {
    REQUIRE(queue->append("two", at_ms(1)));
    CHECK(queue->read(1, 100, found).end == 2);
  }
  queue.reset();
  queue = next_life(disk, found);
  CHECK(queue->id() == next_life_id);
  CHECK(queue->log_id() == first_id);
  CHECK(queue->former_ids() == formers{{first_id, 1}});
  CHECK(found.empty());
}

TEST_CASE("queue: after sync none and a kill no former id counts") {
  test::memory_storage disk;
  std::vector<damage> found;
  auto settings = small_queue();
  settings.sync = sync_policy::none;
  auto queue = open_queue(disk, found, settings);
  REQUIRE(store(*queue, "one"));
  disk.kill_process();
  queue.reset();
  queue = next_life(disk, found);
  CHECK(queue->id() == next_life_id);
  CHECK(queue->former_ids().empty());
}

TEST_CASE("queue: a commit that fails renames it if what it loses was read") {
  test::memory_storage disk;
  std::vector<damage> found;
  auto queue = open_queue(disk, found);
  REQUIRE(store(*queue, "good"));
  REQUIRE(queue->append("lost", at_ms(1)));
  const bool read = GENERATE(true, false);
  if (read) REQUIRE(queue->read(1, 100, found).end == 2);
  disk.fail({0, errc::io, false, test::storage_call::sync});
  CHECK_FALSE(commit(*queue));
  CHECK(queue->end() == 1);
  CHECK(queue->id() == (read ? renamed_id : first_id));
  CHECK(queue->former_ids() == (read ? formers{{first_id, 1}} : formers{}));
  disk.heal();
  REQUIRE(store(*queue, "in its place"));
  queue.reset();
  queue = next_life(disk, found);
  CHECK(queue->id() == (read ? renamed_id : first_id));
  CHECK(read_all(*queue, found) == std::vector<kept>{{0, "good"}, {1, "in its place"}});
}

TEST_CASE("queue: the new id is on the disk before an offset is used again") {
  const bool power_cut = GENERATE(true, false);
  test::seeded_random random(1);
  bool stored = false;
  for (std::uint64_t calls = 0; !stored; ++calls) {
    CAPTURE(calls);
    test::memory_storage disk;
    std::vector<damage> found;
    auto queue = open_queue(disk, found);
    REQUIRE(store(*queue, "good"));
    REQUIRE(queue->append("sent and lost", at_ms(1)));
    REQUIRE(queue->read(1, 100, found).end == 2);
    disk.fail({0, errc::io, false, test::storage_call::sync});
    REQUIRE_FALSE(commit(*queue));
    disk.heal();
    disk.halt_at(calls);
    stored = store(*queue, "in its place");
    if (power_cut) {
      disk.crash(random);
    } else {
      disk.kill_process();
    }
    queue.reset();
    queue = next_life(disk, found);
    CHECK(queue->id() == next_life_id);
    CHECK(queue->former_ids().front() == former_id{first_id, 1});
    CHECK(read_all(*queue, found).size() >= (stored ? 2 : 1));
  }
}

TEST_CASE("queue: while batches fail nothing is read that is not committed") {
  test::memory_storage disk;
  std::vector<damage> found;
  const auto queue = open_queue(disk, found);
  REQUIRE(store(*queue, "good"));
  disk.fail({0, errc::no_space, true, test::storage_call::write});
  REQUIRE(queue->append("read once", at_ms(1)));
  REQUIRE(queue->read(1, 100, found).end == 2);
  REQUIRE_FALSE(commit(*queue));
  for (int i = 0; i < 3; ++i) {
    REQUIRE(queue->append("never read", at_ms(1)));
    CHECK(queue->readable_end() == 1);
    CHECK(queue->bytes_after(1) == 0);
    CHECK(queue->read(1, 100, found).end == 1);
    REQUIRE_FALSE(commit(*queue));
  }
  CHECK(queue->former_ids() == formers{{first_id, 1}});
  disk.heal();
  REQUIRE(store(*queue, "stored"));
  REQUIRE(queue->append("at once", at_ms(1)));
  CHECK(bodies(read_all(*queue, found, 1)) == std::vector<bytes>{"stored", "at once"});
}

}  // namespace
}  // namespace linkd::queue

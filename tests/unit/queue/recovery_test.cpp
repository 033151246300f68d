#include <set>

#include "tests/unit/queue/damage_fixture.hpp"

// Files that are missing, foreign, or came back. One test for each thing opening can find.
namespace linkd::queue {
namespace {

TEST_CASE("queue: a missing segment in the middle is a hole, at the front a later start") {
  const auto* const gone = GENERATE("queue/0000000001.seg", "queue/0000000002.seg");
  test::memory_storage disk;
  fill(disk, 3 * big_per_segment, big);
  REQUIRE(disk.remove(gone).has_value());
  const auto now = reopen(disk);
  CHECK(now.lost() == big_per_segment);
  CHECK(now.left.size() == 2 * big_per_segment);
  CHECK(now.end == 3 * big_per_segment);
}

TEST_CASE("queue: missing newest segments are counted, and the queue gets a new id") {
  test::memory_storage disk;
  fill(disk, 2 * big_per_segment, big);
  REQUIRE(disk.remove(second_segment).has_value());
  const auto now = reopen(disk);
  CHECK(now.lost() == big_per_segment);
  CHECK(now.left.size() == big_per_segment);
  CHECK(now.id == fresh_id);
}

TEST_CASE("queue: without any segment it goes on where it was, empty") {
  test::memory_storage disk;
  fill(disk, 3);
  for (const auto& path : {first_segment, second_segment}) REQUIRE(disk.remove(path).has_value());
  const auto now = reopen(disk);
  CHECK(now.lost() == 3);
  CHECK(now.left.empty());
  CHECK(now.begin == 3);
}

TEST_CASE("queue: a segment that was deleted and comes back is deleted again") {
  test::memory_storage disk;
  fill(disk, 2 * big_per_segment + 1, big);
  const auto old = disk.contents(first_segment);
  {
    std::vector<damage> found;
    const auto queue = open_queue(disk, found);
    queue->release(big_per_segment + 1);
    REQUIRE(commit(*queue));
    REQUIRE_FALSE(exists(disk, first_segment));
  }
  disk.set_contents(first_segment, old);
  const auto now = reopen(disk);
  CHECK(now.at_open.empty());
  CHECK(now.offsets() == counted(big_per_segment + 1, 2 * big_per_segment + 1));
  CHECK_FALSE(exists(disk, first_segment));
}

TEST_CASE("queue: without a good checkpoint everything kept is sent again, under a new id") {
  const bytes content = GENERATE(bytes(), bytes(1024, 'x'), bytes(1024, '\0'));
  test::memory_storage disk;
  fill(disk, 3);
  {
    std::vector<damage> found;
    open_queue(disk, found)->release(2);
  }
  disk.set_contents("queue/checkpoint", content);
  const auto now = reopen(disk);
  CHECK(now.at_open.size() == 1);
  CHECK(now.lost() == 0);
  CHECK(now.offsets() == counted(0, 3));
  CHECK(now.id == fresh_id);
  CHECK(reopen(disk).id == fresh_id);
}

TEST_CASE("queue: a torn newest slot of the checkpoint falls back to the one before") {
  test::memory_storage disk;
  fill(disk, 3);
  std::set<std::uint64_t> ids;
  for (const auto slot : {std::size_t{0}, std::size_t{512}}) {
    test::memory_storage copy;
    for (const auto& path : disk.paths()) copy.set_contents(path, disk.contents(path));
    flip(copy, "queue/checkpoint", slot + 25);
    const auto now = reopen(copy);
    CHECK(now.at_open.empty());
    CHECK(now.offsets() == counted(0, 3));
    ids.insert(now.id);
  }
  // The one before is of a queue that was not closed yet.
  CHECK(ids == std::set{first_id, fresh_id});
}

struct foreign_file {
  const char* what;
  std::function<void(bytes&)> change;
};

TEST_CASE("queue: segments that are not ours to read go to quarantine, the rest goes on") {
  const auto header = [](std::uint64_t log_id, std::uint64_t number, std::uint32_t version) {
    return [=](bytes& content) {
      segment_header fresh;
      fresh.version = version;
      fresh.log_id = log_id;
      fresh.number = number;
      content.replace(0, records_at, encode(fresh));
    };
  };
  const std::vector<foreign_file> cases{
      {"another version", header(first_id, 1, 2)},
      {"another log", header(first_id + 5, 1, 1)},
      {"a copy of another number", header(first_id, 7, 1)},
      {"garbage", [](bytes& content) { content.assign(5000, 'x'); }},
      {"one byte", [](bytes& content) { content.assign(records_at, 'x'); }},
      {"no header", [](bytes& content) { std::fill_n(content.begin(), records_at, '\0'); }}};
  for (const auto& each : cases) {
    CAPTURE(each.what);
    test::memory_storage disk;
    fill(disk, 2 * big_per_segment, big);
    change(disk, first_segment, each.change);
    const auto content = disk.contents(first_segment);
    const auto now = reopen(disk);
    CHECK(now.lost() == big_per_segment);
    CHECK(now.offsets() == counted(big_per_segment, 2 * big_per_segment));
    CHECK_FALSE(exists(disk, first_segment));
    CHECK(disk.contents("queue/quarantine/0000000001.seg") == content);
  }
}

TEST_CASE("queue: swapped segments go to quarantine") {
  test::memory_storage disk;
  fill(disk, 2 * big_per_segment, big);
  const auto first = disk.contents(first_segment);
  disk.set_contents(first_segment, disk.contents(second_segment));
  disk.set_contents(second_segment, first);
  const auto now = reopen(disk);
  CHECK(now.left.empty());
  CHECK(now.lost() == 2 * big_per_segment);
  CHECK(exists(disk, "queue/quarantine/0000000001.seg"));
  CHECK(exists(disk, "queue/quarantine/0000000002.seg"));
}

TEST_CASE("queue: empty, short and all-zero files that never became segments are deleted") {
  test::memory_storage disk;
  fill(disk, 2);
  disk.set_contents(third_segment, "");
  disk.set_contents("queue/0000000004.seg", bytes(100, '\0'));
  disk.set_contents("queue/0000000005.seg", bytes(segment_bytes_min, '\0'));
  const auto now = reopen(disk);
  CHECK(now.at_open.empty());
  CHECK(now.offsets() == counted(0, 2));
  CHECK(exists(disk, second_segment));  // the spare
  for (const auto* path : {"queue/0000000003.seg", "queue/0000000004.seg", "queue/0000000005.seg"})
    CHECK_FALSE(exists(disk, path));
}

TEST_CASE("queue: names that are not ours are left alone") {
  test::memory_storage disk;
  fill(disk, 2);
  for (const auto* path : {"queue/README", "queue/1.seg", "queue/000000000x.seg"})
    disk.set_contents(path, "x");
  const auto now = reopen(disk);
  CHECK(now.at_open.empty());
  for (const auto* path : {"queue/README", "queue/1.seg", "queue/000000000x.seg"})
    CHECK(disk.contents(path) == "x");
}

TEST_CASE("queue: a number is never used twice, also after its file went to quarantine") {
  test::memory_storage disk;
  fill(disk, 2);
  for (int life = 0; life < 3; ++life) {
    const auto names = *disk.list("queue");
    for (const auto& name : names)
      if (segment_number(name)) disk.set_contents("queue/" + name, bytes(5000, 'x'));
    (void)reopen(disk);
  }
  CHECK(disk.list("queue/quarantine")->size() == 6);
}

}  // namespace
}  // namespace linkd::queue

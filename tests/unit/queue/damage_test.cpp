#include <algorithm>
#include <functional>

#include "base/coding.hpp"
#include "tests/unit/queue/queue_fixture.hpp"

// Files that are not as they were written. One test for each thing the reader can find.
namespace linkd::queue {
namespace {

using records = std::vector<kept>;
const std::string first_segment = "queue/0000000001.seg";
const std::string second_segment = "queue/0000000002.seg";
const std::string third_segment = "queue/0000000003.seg";

// Bodies "0...", "1...", each `body_bytes` long and committed by itself.
void fill(storage& disk, std::size_t count, std::size_t body_bytes = 8) {
  std::vector<damage> found;
  const auto queue = open_queue(disk, found);
  for (std::size_t i = 0; i < count; ++i) {
    bytes body = std::to_string(queue->end());
    body.resize(body_bytes, '.');
    REQUIRE(store(*queue, body, queue->end()));
  }
}

// One segment, closed by the next: 10 records of 6 KiB and more.
constexpr std::size_t big = 6000;
constexpr std::uint64_t big_per_segment = (segment_bytes_min - records_at) / record_stride(big);

struct reopened {
  std::vector<damage> at_open, at_read;
  records left;
  std::uint64_t id = 0, begin = 0, end = 0;
  [[nodiscard]] std::uint64_t lost() const {
    std::uint64_t sum = 0;
    for (const auto* each : {&at_open, &at_read})
      for (const auto& one : *each) sum += one.records;
    return sum;
  }
  [[nodiscard]] std::vector<std::uint64_t> offsets() const {
    std::vector<std::uint64_t> all;
    for (const auto& each : left) all.push_back(each.offset);
    return all;
  }
};

constexpr std::uint64_t fresh_id = first_id + 1;

// Opens, reads everything, stores one more record, closes.
reopened reopen(storage& disk) {
  reopened now;
  const auto queue = open_queue(disk, now.at_open, small_queue(), fresh_id);
  now.id = queue->id();
  now.begin = queue->begin();
  now.end = queue->end();
  now.left = read_all(*queue, now.at_read, now.begin);
  CHECK(queue->take_removed().damaged == now.lost());
  // Reported once, also if read again.
  std::vector<damage> again;
  CHECK(read_all(*queue, again, now.begin) == now.left);
  CHECK(again.empty());
  REQUIRE(store(*queue, "after"));
  CHECK(read_all(*queue, again, now.end) == records{{now.end, "after"}});
  return now;
}

void change(test::memory_storage& disk, const std::string& path,
            const std::function<void(bytes&)>& how) {
  auto content = disk.contents(path);
  how(content);
  disk.set_contents(path, content);
}

void flip(test::memory_storage& disk, const std::string& path, std::size_t at) {
  change(disk, path, [&](bytes& content) { content.at(at) = static_cast<char>(content[at] ^ 4); });
}

std::vector<std::uint64_t> counted(std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> all;
  for (; from < to; ++from) all.push_back(from);
  return all;
}

bool exists(const test::memory_storage& disk, const std::string& path) {
  const auto all = disk.paths();
  return std::find(all.begin(), all.end(), path) != all.end();
}

TEST_CASE("queue: a flipped bit anywhere in a segment costs at most the record it is in") {
  test::memory_storage whole;
  fill(whole, 3);
  const auto content = whole.contents(first_segment);
  const auto stride = record_stride(8);
  for (std::size_t at = 0; at < records_at + 3 * stride + 64; ++at) {
    CAPTURE(at);
    test::memory_storage disk;
    fill(disk, 3);
    flip(disk, first_segment, at);
    const auto now = reopen(disk);
    auto expected = counted(0, 3);
    const auto victim = (at - records_at) / stride;
    const bool hit_record = at >= records_at && victim < 3;
    if (hit_record) expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(victim));
    CHECK(now.offsets() == expected);
    CHECK(now.lost() == (hit_record ? 1 : 0));
    for (const auto& each : now.left) CHECK(each.body == std::to_string(each.offset) + ".......");
    // The newest record is gone though it was stored: its offset must not tell another story.
    CHECK((now.id == fresh_id) == (hit_record && victim == 2));
  }
}

TEST_CASE("queue: a segment cut anywhere keeps what is before the cut") {
  const auto stride = record_stride(8);
  for (std::size_t size = 0; size < records_at + 3 * stride + 16; ++size) {
    CAPTURE(size);
    test::memory_storage disk;
    fill(disk, 3);
    change(disk, first_segment, [&](bytes& content) { content.resize(size); });
    const auto now = reopen(disk);
    const auto whole = size < 64 ? 0 : size < records_at ? 0 : (size - records_at) / stride;
    const auto kept_records = std::min<std::uint64_t>(3, whole);
    CHECK(now.offsets() == counted(0, kept_records));
    CHECK(now.lost() == 3 - kept_records);
  }
}

TEST_CASE("queue: a torn last record is ignored, not reported") {
  test::memory_storage disk;
  std::vector<damage> found;
  {
    const auto queue = open_queue(disk, found);
    REQUIRE(store(*queue, "good"));
    for (const auto* each : {"two", "three", "four"}) REQUIRE(queue->append(each, at_ms(2)));
    // The write is torn, and the process dies.
    disk.halt_at(0);
    CHECK_FALSE(commit(*queue));
    disk.kill_process();
  }
  const auto now = reopen(disk);
  CHECK(now.at_open.empty());
  CHECK(now.at_read.empty());
  CHECK(now.left == records{{0, "good"}, {1, "two"}});
  CHECK(now.id == first_id);
}

TEST_CASE("queue: a hole in a batch that was never committed cuts the rest of it off") {
  test::memory_storage disk;
  std::vector<damage> found;
  bytes torn;
  {
    const auto queue = open_queue(disk, found);
    REQUIRE(store(*queue, "good"));
    const auto before = disk.contents(first_segment);
    for (const auto* each : {"one", "two", "three"}) REQUIRE(queue->append(each, at_ms(2)));
    REQUIRE(commit(*queue));
    torn = disk.contents(first_segment);
    torn[records_at + 2 * record_stride(4)] ^= 1;  // "two"
  }
  test::memory_storage other;
  {
    const auto queue = open_queue(other, found);
    REQUIRE(store(*queue, "good"));
  }
  other.set_contents(first_segment, torn);
  const auto now = reopen(other);
  CHECK(now.left == records{{0, "good"}, {1, "one"}});
  CHECK(now.lost() == 0);
  // What is written next never meets the stale "three".
  const auto again = reopen(other);
  CHECK(again.left == records{{0, "good"}, {1, "one"}, {2, "after"}});
}

TEST_CASE("queue: zeros where records were are damage, not the end") {
  test::memory_storage disk;
  fill(disk, big_per_segment, 1000);
  change(disk, first_segment, [](bytes& content) {
    std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(records_at) + 2000, 512, '\0');
  });
  const auto now = reopen(disk);
  CHECK(now.lost() == 2);
  CHECK(now.left.size() == big_per_segment - 2);
}

TEST_CASE("queue: damage in an older segment, up to its end, is told from the next one's start") {
  test::memory_storage disk;
  fill(disk, big_per_segment + 2, big);
  change(disk, first_segment, [](bytes& content) {
    std::fill(content.begin() + static_cast<std::ptrdiff_t>(records_at + 3 * record_stride(big)),
              content.end(), 'x');
  });
  const auto now = reopen(disk);
  CHECK(now.at_open.empty());
  auto expected = counted(0, 3);
  for (const auto each : counted(big_per_segment, big_per_segment + 2)) expected.push_back(each);
  CHECK(now.offsets() == expected);
  CHECK(now.lost() == big_per_segment - 3);
  CHECK(now.id == first_id);
}

TEST_CASE("queue: a body that looks like a record of another log is not taken for one") {
  test::memory_storage disk;
  bytes fake;
  record_header header;
  header.offset = 2;
  append_record(fake, first_id + 99, header, "forged");
  std::vector<damage> found;
  {
    const auto queue = open_queue(disk, found);
    for (const auto& body : {bytes("zero"), fake, bytes("two")}) REQUIRE(store(*queue, body));
  }
  flip(disk, first_segment, records_at + record_stride(4));  // the header around the fake
  const auto now = reopen(disk);
  CHECK(now.left == records{{0, "zero"}, {2, "two"}});
}

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
  for (const auto slot : {std::size_t{0}, std::size_t{512}}) {
    test::memory_storage copy;
    for (const auto& path : disk.paths()) copy.set_contents(path, disk.contents(path));
    flip(copy, "queue/checkpoint", slot + 25);
    const auto now = reopen(copy);
    CHECK(now.at_open.empty());
    CHECK(now.offsets() == counted(0, 3));
    CHECK(now.id == first_id);
  }
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

TEST_CASE("queue: random garbage over a segment never shows up as a record") {
  test::seeded_random random(GENERATE(1u, 2u, 3u));
  for (int round = 0; round < 60; ++round) {
    test::memory_storage disk;
    fill(disk, 2 * big_per_segment, big);
    for (int i = 0; i < 5; ++i) {
      const auto at = random.below(segment_bytes_min), length = random.below(9000);
      change(disk, random.below(2) == 0 ? first_segment : second_segment, [&](bytes& content) {
        for (auto k = at; k < std::min(at + length, content.size()); ++k)
          content[k] = static_cast<char>(random.next());
      });
    }
    const auto now = reopen(disk);
    for (const auto& each : now.left) {
      bytes body = std::to_string(each.offset);
      body.resize(big, '.');
      CHECK((each.body == body));
    }
    CHECK(now.left.size() + now.lost() == 2 * big_per_segment);
  }
}

}  // namespace
}  // namespace linkd::queue

#include "tests/unit/queue/damage_fixture.hpp"

// Segments that are not as they were written. One test for each thing the reader can find.
namespace linkd::queue {
namespace {

// As fill() made it.
bytes body_of(std::uint64_t offset) {
  bytes body = std::to_string(offset);
  body.resize(big, '.');
  return body;
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
  CHECK(now.id == fresh_id);
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

TEST_CASE("queue: a random bit flipped in large segments costs at most the record it is in") {
  test::seeded_random random(GENERATE(1u, 2u, 3u));
  for (int round = 0; round < 100; ++round) {
    test::memory_storage disk;
    fill(disk, 2 * big_per_segment, big);
    const auto at = random.below(segment_bytes_min);
    const auto bit = random.below(8);
    CAPTURE(at, bit);
    change(disk, random.below(2) == 0 ? first_segment : second_segment,
           [&](bytes& content) { content[at] = static_cast<char>(content[at] ^ (1 << bit)); });
    const auto now = reopen(disk);
    for (const auto& each : now.left) CHECK((each.body == body_of(each.offset)));
    CHECK(now.lost() <= 1);
    CHECK(now.left.size() + now.lost() == 2 * big_per_segment);
  }
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
    for (const auto& each : now.left) CHECK((each.body == body_of(each.offset)));
    CHECK(now.left.size() + now.lost() == 2 * big_per_segment);
  }
}

}  // namespace
}  // namespace linkd::queue

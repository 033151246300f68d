#include "queue/slot_file.hpp"

#include <catch2/catch.hpp>

#include "tests/support/memory_storage.hpp"

namespace linkd::queue {
namespace {

slot_file open(storage& disk) {
  auto opened = slot_file::open(disk, "slots");
  REQUIRE(opened.has_value());
  return *opened;
}

TEST_CASE("slot file: the last value written is found again") {
  test::memory_storage disk;
  CHECK_FALSE(open(disk).value());
  for (const auto* value : {"one", "two", "", "four"}) {
    auto slots = open(disk);
    REQUIRE(slots.write(value, true).has_value());
    CHECK(slots.value() == bytes(value));
    CHECK(open(disk).value() == bytes(value));
  }
  const bytes longest(slot_file::value_bytes_max, 'x');
  REQUIRE(open(disk).write(longest, false).has_value());
  CHECK(open(disk).value() == longest);
  const auto too_long = open(disk).write(longest + "x", false);
  REQUIRE(too_long.has_error());
  CHECK(too_long.error().code == errc::too_large);
}

TEST_CASE("slot file: a bad slot gives way to the other, two bad ones to none") {
  test::memory_storage disk;
  auto slots = open(disk);
  REQUIRE(slots.write("old", true).has_value());
  REQUIRE(slots.write("new", true).has_value());
  const auto good = disk.contents("slots");
  for (std::size_t i = 0; i < good.size(); ++i) {
    CAPTURE(i);
    auto bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x40);
    disk.set_contents("slots", bad);
    const bool in_padding = i % 512 >= 20 + 3 + 4;
    CHECK(open(disk).value() == bytes(i < 512 || in_padding ? "new" : "old"));
  }
  disk.set_contents("slots", bytes(1024, 'x'));
  CHECK_FALSE(open(disk).value());
  disk.set_contents("slots", "");
  CHECK_FALSE(open(disk).value());
}

TEST_CASE("slot file: whatever a power cut takes, the value synced last or a newer one stays") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    test::memory_storage disk;
    test::seeded_random random(seed);
    int synced = 0, written = 0;
    for (int life = 0; life < 5; ++life) {
      auto slots = open(disk);
      if (slots.value()) {
        const auto found = std::stoi(*slots.value());
        CHECK(found >= synced);
        CHECK(found <= written);
        synced = written = found;
      } else {
        CHECK(synced == 0);
      }
      disk.halt_at(random.below(12));
      while (!disk.hit()) {
        const bool sync = random.below(3) == 0;
        ++written;
        if (slots.write(std::to_string(written), sync) && sync) synced = written;
      }
      disk.crash(random);
    }
  }
}

TEST_CASE("slot file: after a failed sync the next one holds, because all of it is written again") {
  test::memory_storage disk;
  auto slots = open(disk);
  REQUIRE(slots.write("one", true).has_value());
  disk.fail({0, errc::io, false, test::storage_call::sync});
  CHECK(slots.write("two", true).has_error());
  CHECK(slots.write("three", true).has_value());
  test::seeded_random random(1);
  disk.crash(random);
  CHECK(open(disk).value() == bytes("three"));
}

TEST_CASE("slot file: what an earlier life failed to sync is stored before it is believed") {
  test::memory_storage disk;
  auto slots = open(disk);
  REQUIRE(slots.write("one", true).has_value());
  disk.fail({0, errc::io, false, test::storage_call::sync});
  CHECK(slots.write("two", true).has_error());
  disk.kill_process();  // the system has it in memory, and counts it as written
  disk.fail({0, errc::io, false, test::storage_call::sync});
  CHECK(slot_file::open(disk, "slots").has_error());
  CHECK(open(disk).value() == bytes("two"));
  test::seeded_random random(1);
  disk.crash(random);
  CHECK(open(disk).value() == bytes("two"));
}

TEST_CASE("slot file: works in place on a full disk, and leaves nothing if it cannot be made") {
  test::memory_storage disk;
  auto slots = open(disk);
  disk.set_free_bytes(0);
  CHECK(slots.write("value", true).has_value());
  const auto another = slot_file::open(disk, "another");
  REQUIRE(another.has_error());
  CHECK(another.error().code == errc::no_space);
  CHECK(disk.paths() == std::vector<std::string>{"slots"});
}

TEST_CASE("replace_file: at any crash the file holds the old or the new content, whole") {
  const bytes before(3000, 'o'), after(5000, 'n');
  for (std::uint64_t n = 0; n < 1000; ++n) {
    CAPTURE(n);
    test::memory_storage disk;
    REQUIRE(disk.make_directory("dir").has_value());
    REQUIRE(replace_file(disk, "dir/file", before).has_value());
    disk.halt_at(n);
    const bool replaced = replace_file(disk, "dir/file", after).has_value();
    const bool done = !disk.hit();
    test::seeded_random random(n);
    disk.crash(random);
    const auto found = read_file(disk, "dir/file", 10'000);
    REQUIRE(found.has_value());
    CHECK((*found == after || (!replaced && *found == before)));
    // What an interrupted attempt left behind is in nobody's way.
    REQUIRE(replace_file(disk, "dir/file", before).has_value());
    CHECK(*read_file(disk, "dir/file", 10'000) == before);
    if (done) break;
  }
}

TEST_CASE("read_file: says what it would not read") {
  test::memory_storage disk;
  disk.set_contents("file", "12345");
  CHECK(*read_file(disk, "file", 5) == "12345");
  CHECK(read_file(disk, "file", 4).error().code == errc::too_large);
  CHECK(read_file(disk, "none", 4).error().code == errc::not_found);
}

}  // namespace
}  // namespace linkd::queue

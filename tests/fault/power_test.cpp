// Power cuts: an image of the file system is copied while the daemon writes to it, and looked at as
// the next start would find it.
#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>
#include <random>
#include <set>
#include <vector>

#include "platform/posix_storage.hpp"
#include "queue/link_queue.hpp"
#include "tests/e2e/one_way.hpp"
#include "tests/fault/faults.hpp"
#include "tests/support/eventually.hpp"
#include "wire/record.hpp"

using namespace linkd;
using namespace linkd::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t disk_bytes = 64u << 20;
constexpr const char* small_segments = "queue: { max_bytes: 4MiB }\n";

struct found_on_disk {
  std::set<std::size_t> numbers;       // of the messages that are there
  std::vector<queue::damage> damages;  // that opening and reading reported
};

// What the next start would find.
found_on_disk look_at(const std::filesystem::path& image, const std::filesystem::path& where) {
  const mounted_disk copy(image, where);
  REQUIRE(copy.is_mounted());
  platform::posix_storage disk(where);
  found_on_disk found;
  queue_settings settings;
  settings.bytes_max = 4u << 20;
  auto opened = queue::link_queue::open(disk, "links/B/queue", settings, 7, stamp{}, found.damages);
  REQUIRE(opened.has_value());
  queue::link_queue& messages = **opened;
  for (std::uint64_t offset = messages.begin(); offset < messages.end();) {
    const auto batch = messages.read(offset, 1u << 20, found.damages);
    REQUIRE(batch.end > offset);
    offset = batch.end;
    for (const auto& each : batch.records) {
      const auto record = wire::decode_record(each.body);
      REQUIRE(record.has_value());
      found.numbers.insert(std::stoul(record->content.payload));
    }
  }
  return found;
}

// A source whose peer is away, on a disk of its own.
struct lonely_source {
  explicit lonely_source(double messages_per_s_max, strings environment = {})
      : link({.messages_per_s_max = messages_per_s_max,
              .payload_bytes = 1000,
              .queue_yaml = small_segments,
              .environment_a = std::move(environment),
              .before_start = [this](const site& a) {
                disk =
                    std::make_unique<mounted_disk>(mounted_disk::kind::ext4, a.state(), disk_bytes);
              }}) {
    REQUIRE(link.b.stop_daemon() == 0);
  }

  std::unique_ptr<mounted_disk> disk;
  one_way link;
};

}  // namespace

TEST_CASE("power: whatever was acknowledged to the broker is on the disk at any moment") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  lonely_source source(700);
  if (!source.disk->is_mounted()) {
    WARN("not root: nothing was tested");
    return;
  }
  const std::size_t cuts = rounds(6, 100);
  const auto image = source.link.a.directory() / "cut.image";
  std::size_t acknowledged = 0, most = 0;
  for (std::size_t i = 0; i < cuts; ++i) {
    source.link.publish(25);
    const std::size_t wanted = acknowledged + 1 + random() % 25;
    REQUIRE(eventually(
        patience, [&] { return source.link.a.waiting_for("B") >= double(wanted); }, 1ms));
    // What the daemon has taken over it has synced: the number is read before the copy is made.
    acknowledged =
        static_cast<std::size_t>(source.link.a.metric("mqtt_linkd_messages_captured_total"));
    source.disk->copy_image(image);
    const found_on_disk found = look_at(image, source.link.a.directory() / "cut");
    CAPTURE(i, acknowledged, found.numbers.size());
    CHECK(found.damages.empty());
    for (std::size_t number = 0; number < acknowledged; ++number) {
      if (!found.numbers.contains(number)) FAIL_CHECK("message " << number << " is not there");
    }
    most = std::max(most, acknowledged);
  }
  source.link.fault_ended();
  source.link.b.start_daemon();
  const ledger found = source.link.settled();
  report("power cut", "copy of the ext4 image in use, mounted and read", cuts, source.link, found);
  CHECK(found == ledger{});
  CHECK(most > cuts);
}

TEST_CASE("power: a disk that lied about syncs is found out and told, not believed") {
  libc_faults disk;
  lonely_source source(0, disk.environment());
  if (!source.disk->is_mounted()) {
    WARN("not root: nothing was tested");
    return;
  }
  source.link.publish(100);
  REQUIRE(eventually(patience, [&] { return source.link.a.waiting_for("B") == 100; }));
  disk.set("sync lie 1 0 .seg");
  source.link.publish(900);
  REQUIRE(eventually(patience, [&] { return source.link.a.waiting_for("B") == 1000; }));
  // The checkpoint is synced in earnest: a clean end, by a disk that has not kept the messages.
  REQUIRE(source.link.a.stop_daemon() == 0);
  const auto image = source.link.a.directory() / "cut.image";
  source.disk->copy_image(image);
  const found_on_disk found = look_at(image, source.link.a.directory() / "cut");
  CAPTURE(found.numbers.size());
  CHECK(disk.hits() > 0);
  CHECK(found.numbers.size() < 1000);
  CHECK_FALSE(found.damages.empty());
  std::uint64_t told = 0;
  for (const queue::damage& each : found.damages) told += each.records;
  CHECK(told + found.numbers.size() == 1000);
  std::cout << "lying disk: " << 1000 - found.numbers.size() << " of 1000 messages gone, " << told
            << " reported\n";
}

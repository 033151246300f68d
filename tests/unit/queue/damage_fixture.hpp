#pragma once

#include <algorithm>
#include <functional>

#include "tests/unit/queue/queue_fixture.hpp"

namespace linkd::queue {

using records = std::vector<kept>;
inline const std::string first_segment = "queue/0000000001.seg";
inline const std::string second_segment = "queue/0000000002.seg";
inline const std::string third_segment = "queue/0000000003.seg";

// Bodies "0...", "1...", each `body_bytes` long and committed by itself.
inline void fill(storage& disk, std::size_t count, std::size_t body_bytes = 8) {
  std::vector<damage> found;
  const auto queue = open_queue(disk, found);
  for (std::size_t i = 0; i < count; ++i) {
    bytes body = std::to_string(queue->end());
    body.resize(body_bytes, '.');
    REQUIRE(store(*queue, body, queue->end()));
  }
}

// One segment, closed by the next: 10 records of 6 KiB and more.
inline constexpr std::size_t big = 6000;
inline constexpr std::uint64_t big_per_segment =
    (segment_bytes_min - records_at) / record_stride(big);

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

inline constexpr std::uint64_t fresh_id = first_id + 1;

// Opens, reads everything, stores one more record, closes.
inline reopened reopen(storage& disk) {
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

inline void change(test::memory_storage& disk, const std::string& path,
                   const std::function<void(bytes&)>& how) {
  auto content = disk.contents(path);
  how(content);
  disk.set_contents(path, content);
}

inline void flip(test::memory_storage& disk, const std::string& path, std::size_t at) {
  change(disk, path, [&](bytes& content) { content.at(at) = static_cast<char>(content[at] ^ 4); });
}

inline std::vector<std::uint64_t> counted(std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> all;
  for (; from < to; ++from) all.push_back(from);
  return all;
}

inline bool exists(const test::memory_storage& disk, const std::string& path) {
  const auto all = disk.paths();
  return std::find(all.begin(), all.end(), path) != all.end();
}

}  // namespace linkd::queue

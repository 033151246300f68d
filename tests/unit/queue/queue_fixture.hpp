#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "queue/format.hpp"
#include "queue/link_queue.hpp"
#include "tests/support/memory_storage.hpp"

namespace linkd::queue {

inline constexpr std::uint64_t first_id = 0x1122334455667788;

inline stamp at_ms(std::uint64_t ms) {
  return stamp_of(ms);
}

// The smallest segments, 64 KiB.
inline queue_settings small_queue() {
  queue_settings settings;
  settings.bytes_max = 1u << 20;
  return settings;
}

// Opens, or fails the test.
inline std::unique_ptr<link_queue> open_queue(storage& disk, std::vector<damage>& found,
                                              const queue_settings& settings = small_queue(),
                                              std::uint64_t fresh_id = first_id,
                                              stamp now = at_ms(0)) {
  auto opened = link_queue::open(disk, "queue", settings, fresh_id, now, found);
  INFO((opened ? "" : opened.error().text));
  REQUIRE(opened.has_value());
  return std::move(*opened);
}

// Commits what is staged, and whatever else is due. Whether that worked.
inline bool commit(link_queue& queue) {
  auto job = queue.start_commit();
  if (!job) return true;
  job->run();
  return queue.finish_commit(job, 0x77).has_value();
}

inline bool store(link_queue& queue, bytes_view record, std::uint64_t captured_ms = 1) {
  return queue.append(record, at_ms(captured_ms)) && commit(queue);
}

struct kept {
  std::uint64_t offset = 0;
  bytes body;
  bool operator==(const kept&) const = default;
};

// Everything from `offset` on, read in pieces of `bytes_max`.
inline std::vector<kept> read_all(link_queue& queue, std::vector<damage>& found,
                                  std::uint64_t offset = 0, std::size_t bytes_max = 1000) {
  std::vector<kept> all;
  while (offset < queue.end()) {
    const auto batch = queue.read(offset, bytes_max, found);
    if (batch.end <= offset) break;
    for (const auto& each : batch.records) all.push_back({each.offset, bytes(each.body)});
    offset = batch.end;
  }
  return all;
}

inline std::vector<bytes> bodies(const std::vector<kept>& records) {
  std::vector<bytes> all;
  for (const auto& each : records) all.push_back(each.body);
  return all;
}

}  // namespace linkd::queue

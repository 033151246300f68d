#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/queue/queue_fixture.hpp"

namespace linkd::queue {

// What a queue has promised, written down outside of it; checks that it keeps it over crashes.
class ledger {
 public:
  explicit ledger(std::uint64_t seed) : random_(seed) {}

  test::seeded_random& random() { return random_; }
  [[nodiscard]] std::uint64_t end() const { return end_; }
  [[nodiscard]] std::uint64_t released() const { return released_; }

  // Stages `count` new records and commits them. Whether that worked.
  bool write(link_queue& queue, std::size_t count, std::size_t body_bytes_max = 6000) {
    in_flight_.clear();
    for (std::size_t i = 0; i < count; ++i) {
      const auto body = fresh_body(body_bytes_max);
      if (queue.append(body, at_ms(++clock_ms_))) in_flight_.push_back(body);
    }
    const bool ok = commit(queue);
    if (ok) {
      for (auto& body : in_flight_) committed_[end_++] = std::move(body);
      in_flight_.clear();
    }
    CHECK(queue.end() == end_);
    CHECK(queue.messages() == end_ - queue.begin());
    return ok;
  }

  // Releases up to somewhere between what is released and the end.
  void release_some(link_queue& queue) {
    const auto from = queue.begin();
    release(queue, from + random_.below(queue.end() - from + 1));
  }
  void release(link_queue& queue, std::uint64_t offset) {
    queue.release(offset);
    released_ = std::max(released_, offset);
  }

  // Everything promised is there, nothing else is, and no offset tells two stories under one id.
  void check(link_queue& queue) {
    std::vector<damage> found;
    auto expected = queue.begin();
    for (const auto& each : read_all(queue, found, queue.begin(), 1 + random_.below(50'000))) {
      CHECK(each.offset == expected);
      expected = each.offset + 1;
      const auto known = committed_.find(each.offset);
      REQUIRE(known != committed_.end());
      CHECK((known->second == each.body));
      const auto [seen, is_new] = seen_.try_emplace({queue.id(), each.offset}, each.body);
      CHECK((is_new || seen->second == each.body));
    }
    CHECK(expected == queue.end());
    CHECK(found.empty());
    CHECK(queue.end() == end_);
    std::uint64_t body_bytes = 0;
    for (auto each = committed_.lower_bound(queue.begin()); each != committed_.end(); ++each)
      body_bytes += each->second.size();
    CHECK(queue.body_bytes() == body_bytes);
  }

  // After a crash: opening must work and lose nothing. What was in flight may have come back, from
  // its front.
  std::unique_ptr<link_queue> reopen(storage& disk, const queue_settings& settings,
                                     bool may_lose = false) {
    std::vector<damage> found;
    auto queue = open_queue(disk, found, settings, random_.next(), at_ms(clock_ms_));
    std::uint64_t lost = 0;
    for (const auto& each : found) lost += each.records;
    if (may_lose) {
      end_ = std::min(end_, queue->end());
      committed_.erase(committed_.lower_bound(end_), committed_.end());
    } else {
      CHECK(lost == 0);
      CHECK(queue->begin() <= released_);
    }
    REQUIRE(queue->end() >= end_);
    REQUIRE(queue->end() - end_ <= in_flight_.size());
    for (std::size_t i = 0; end_ < queue->end(); ++i) committed_[end_++] = in_flight_[i];
    in_flight_.clear();
    return queue;
  }

 private:
  bytes fresh_body(std::size_t bytes_max) {
    bytes body = std::to_string(++bodies_) + ":";
    body.resize(body.size() + random_.below(bytes_max), static_cast<char>('a' + bodies_ % 26));
    return body;
  }

  test::seeded_random random_;
  std::map<std::uint64_t, bytes> committed_;
  std::vector<bytes> in_flight_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, bytes> seen_;
  std::uint64_t end_ = 0, released_ = 0, bodies_ = 0, clock_ms_ = 1;
};

}  // namespace linkd::queue

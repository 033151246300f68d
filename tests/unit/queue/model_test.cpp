#include <deque>

#include "tests/unit/queue/queue_fixture.hpp"

namespace linkd::queue {
namespace {

// The queue as a deque. Overflow happens by segments, so the model follows begin() and checks that
// the counters explain every step of it.
class model {
 public:
  model(std::uint64_t seed, overflow_policy policy) : random_(seed) {
    settings_ = small_queue();
    settings_.overflow = policy;
    settings_.age_max = seconds(100);
    open();
  }

  void step() {
    const auto what = random_.below(100);
    if (what < 50) return append();
    if (what < 70) return commit_some();
    if (what < 80) return release();
    if (what < 84) return expire();
    if (what < 98) return read();
    restart();
  }

  void check() {
    follow_begin();
    CHECK(queue_->end() == next_);
    CHECK(queue_->committed_end() == committed_end_);
    CHECK(queue_->messages() == records_.size());
    std::uint64_t all = 0;
    for (const auto& each : records_) all += each.body.size();
    CHECK(queue_->body_bytes() == all);
    if (records_.empty())
      CHECK_FALSE(queue_->oldest());
    else
      CHECK(queue_->oldest() == at_ms(records_.front().captured_ms));
  }

 private:
  struct record {
    std::uint64_t offset, captured_ms;
    bytes body;
  };

  void open() { queue_ = open_queue(disk_, found_, settings_, random_.next() | 1, at_ms(now_ms_)); }

  void append() {
    const auto kind = random_.below(40);
    const auto size =
        kind == 0 ? 64'000 + random_.below(100'000) : random_.below(kind < 20 ? 200 : 8'000);
    bytes body(size, static_cast<char>(random_.next()));
    now_ms_ += random_.below(500);
    if (queue_->append(body, at_ms(now_ms_)))
      records_.push_back({next_++, now_ms_, std::move(body)});
    else
      ++refused_;
  }

  void commit_some() {
    const auto job = queue_->start_commit();
    if (!job) return;
    const auto end = next_;
    if (random_.below(2) == 0) append();  // while it runs
    job->run();
    REQUIRE(queue_->finish_commit(job, 0x77).has_value());
    committed_end_ = end;
  }

  void release() {
    follow_begin();
    const auto span = next_ - queue_->begin();
    const auto to =
        random_.below(20) == 0 ? committed_end_ : queue_->begin() + random_.below(span + 1);
    queue_->release(to);
    while (!records_.empty() && records_.front().offset < queue_->begin()) records_.pop_front();
  }

  void expire() {
    now_ms_ += random_.below(20'000);
    queue_->expire(at_ms(now_ms_));
    follow_begin();
    for (const auto& each : records_) {
      if (each.offset < committed_end_) CHECK(each.captured_ms + 100'000 >= now_ms_);
      break;
    }
  }

  void read() {
    follow_begin();
    if (queue_->begin() == next_) return;
    auto offset = queue_->begin() + random_.below(next_ - queue_->begin());
    if (random_.below(2) == 0) offset = std::max(read_to_, queue_->begin());
    const auto bytes_max = 1 + random_.below(40'000);
    const auto batch = queue_->read(offset, bytes_max, found_);
    REQUIRE(batch.begin == offset);
    REQUIRE((batch.end > offset || offset == next_));
    REQUIRE(batch.records.size() == batch.end - batch.begin);
    std::uint64_t sum = 0;
    for (const auto& each : batch.records) {
      const auto& expected = records_.at(each.offset - records_.front().offset);
      CHECK(each.offset == offset++);
      CHECK((each.body == expected.body));
      sum += each.body.size();
    }
    CHECK((sum <= bytes_max || batch.records.size() == 1));
    read_to_ = batch.end;
    std::uint64_t after = 0;
    for (const auto& each : records_)
      if (each.offset >= read_to_) after += each.body.size();
    CHECK(queue_->bytes_after(read_to_) == after);
    CHECK(queue_->bytes_after(queue_->begin()) >= after);
  }

  // In order, or by kill -9. Releases since the last commit may be forgotten by kill -9 only.
  void restart() {
    while (const auto job = queue_->start_commit()) {
      job->run();
      REQUIRE(queue_->finish_commit(job, 0x77).has_value());
      committed_end_ = next_;
    }
    follow_begin();
    if (random_.below(2) == 0) disk_.kill_process();
    queue_.reset();
    open();
    CHECK(found_.empty());
  }

  // What overflow and age took, no more and no less than they say.
  void follow_begin() {
    const auto counts = queue_->take_removed();
    std::uint64_t gone = 0;
    while (!records_.empty() && records_.front().offset < queue_->begin()) {
      records_.pop_front();
      ++gone;
    }
    CHECK(gone + refused_ == counts.overflow + counts.age);
    CHECK(counts.damaged == 0);
    if (settings_.overflow == overflow_policy::drop_newest) CHECK(counts.overflow == refused_);
    refused_ = 0;
  }

  test::seeded_random random_;
  queue_settings settings_;
  test::memory_storage disk_;
  std::vector<damage> found_;
  std::unique_ptr<link_queue> queue_;
  std::deque<record> records_;
  std::uint64_t next_ = 0, committed_end_ = 0, read_to_ = 0, now_ms_ = 1'000'000, refused_ = 0;
};

TEST_CASE("queue: behaves like a deque, whatever is done to it") {
  const auto seed = GENERATE(range(1, 9));
  const auto policy = GENERATE(overflow_policy::drop_oldest, overflow_policy::drop_newest);
  CAPTURE(seed, static_cast<int>(policy));
  model tested(static_cast<std::uint64_t>(seed), policy);
  for (int step = 0; step < 1500; ++step) {
    CAPTURE(step);
    tested.step();
    tested.check();
  }
}

}  // namespace
}  // namespace linkd::queue

#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/time.hpp"
#include "session/effects.hpp"
#include "wire/block.hpp"

namespace linkd::session {

// How much of our queue may be sent now. `bytes` is 0 if nothing may.
struct pull {
  std::uint64_t offset = 0;
  std::size_t bytes = 0;
};

// What a record costs of the credit: its bytes and what keeping it costs the other side.
inline constexpr std::size_t record_credit_overhead_bytes = 64;

// Our queue on its way to the peer: what was sent, what of it is un-acked, and what may follow
// (wire/PROTOCOL.md, "Flow"). Part of a link_session.
class sender {
 public:
  // From the peer's hello: position() is where the peer wants to go on. errc::invalid if it claims
  // more of our queue than there is.
  result<void> start(const local_side& local, const wire::hello& peer);

  pull want_data(std::size_t waiting_bytes, time_point oldest_wait, time_point now);
  // The DATA frames for as much of [begin, end) as the credit allows.
  std::vector<wire::data> make_data(std::uint64_t begin, std::uint64_t end,
                                    const std::vector<wire::numbered_record>& records,
                                    std::uint64_t now_ms);

  // Tells the peer of what it will not get below position(), if there is such a hole.
  std::optional<wire::data> skip_hole();

  // The offset to release if it grew. errc::invalid: the peer acknowledges or asks for what was
  // never sent.
  result<std::optional<std::uint64_t>> on_ack(const wire::ack& ack);
  void on_queue_begin(std::uint64_t begin);
  // The batching delay is over: deadline() no longer names it.
  void on_time(time_point now);

  [[nodiscard]] std::optional<time_point> deadline() const { return batch_due_; }
  // The next record to read; `sent_offset` is below it while a hole in our queue is not yet told.
  [[nodiscard]] std::uint64_t position() const;
  [[nodiscard]] std::uint64_t sent_offset() const { return sent_; }
  [[nodiscard]] std::size_t inflight_bytes() const { return inflight_bytes_; }

 private:
  struct batch {
    std::uint64_t begin = 0, end = 0;
    std::size_t bytes = 0;
  };

  [[nodiscard]] bool has_credit(std::size_t bytes) const;
  wire::data make_block(std::uint64_t end, std::vector<wire::numbered_record>& records) const;
  void add_fragments(const wire::numbered_record& record, std::vector<wire::data>& out) const;
  void compress(wire::data& data) const;
  void mark_sent(std::uint64_t end, std::size_t credit_bytes);
  void rewind(std::uint64_t offset);

  std::size_t window_bytes_ = 0;
  std::size_t block_bytes_max_ = 0;
  bool compress_ = false;
  std::uint64_t queue_begin_ = 0;
  std::uint64_t sent_ = 0;      // the DATA so far covers everything below
  std::uint64_t sent_max_ = 0;  // and did before the last rewind
  std::uint64_t acked_ = 0;
  std::deque<batch> inflight_;  // ascending
  std::size_t inflight_bytes_ = 0;
  std::size_t needed_bytes_ = 0;  // credit for the record that did not fit last time
  std::optional<time_point> batch_due_;
};

}  // namespace linkd::session

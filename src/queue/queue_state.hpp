#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "queue/commit_job.hpp"
#include "queue/link_queue.hpp"
#include "queue/recovery.hpp"
#include "queue/segment_walker.hpp"

namespace linkd::queue {

// What a link_queue knows. Memory is per segment, never per record, but for what is staged.
struct link_queue::state {
  state(std::shared_ptr<queue_directory> opened, const queue_settings& chosen, recovered_log&& log);

  // Segments and offsets.
  [[nodiscard]] std::size_t index_of(std::uint64_t offset) const;
  [[nodiscard]] walk_end end_of(std::size_t index) const;
  [[nodiscard]] std::uint64_t segment_bytes() const;
  bool begin_segment(std::uint64_t stride, stamp captured_at);
  bool make_room(std::uint64_t size);
  bool drop_front(std::uint64_t& counter);
  void move_begin(std::uint64_t offset);
  void forget_delivered();
  void remove(const segment& which);
  void add(const segment& fresh);
  void commit(const commit_job& done);
  void roll_back(const commit_job& failed, std::uint64_t fresh_id);

  // Brings `walker` to the first record at or after `offset` of that segment, headers only.
  result<void> bring(std::unique_ptr<segment_walker>& walker, std::size_t index,
                     std::uint64_t offset) const;
  // The walker at begin; none if the queue is empty or the file does not open.
  segment_walker* at_begin() const;
  // The records that are in memory only, in the job and staged, from `offset` on: visit(offset,
  // body) for each until it says false.
  template <class Visit>
  void walk_tail(std::uint64_t offset, Visit visit) const;
  read_batch read_tail(std::uint64_t offset, std::size_t bytes_max);
  void report_lost(std::uint64_t from, std::uint64_t to, std::vector<damage>& found);

  std::shared_ptr<queue_directory> where;
  queue_settings settings;
  checkpoint mark;               // ids and flags; begin is the oldest offset kept
  std::deque<segment> segments;  // that hold committed records, ascending
  log_tail committed;            // behind the last committed record
  log_tail planned;              // behind the last record staged
  std::shared_ptr<file> active;  // of the last segment, if it can be written to
  std::optional<blank_segment> spare;
  std::uint64_t next_number;
  std::vector<std::uint64_t> removals;
  std::uint64_t disk_bytes = 0;  // of segments, those being committed and those staged

  std::vector<chunk> staged;
  std::uint64_t staged_offset = 0;  // of the first record staged
  std::uint64_t staged_captured_ms = 0;
  std::shared_ptr<commit_job> out;
  std::uint64_t shown_end = 0;  // what was read reaches to here
  bool renamed = false;         // the id is not on the disk yet
  bool failing = false;         // the last batch was not stored
  bool housekeeping_due = true;

  removed counts;
  std::uint64_t reported;  // damage below this offset has been reported
  std::unique_ptr<segment_walker> reader;
  mutable std::unique_ptr<segment_walker> front;  // a cache: follows begin when asked
};

}  // namespace linkd::queue

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mqtt_linkd/bytes.hpp"
#include "mqtt_linkd/ports/storage.hpp"
#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"
#include "mqtt_linkd/time.hpp"
#include "queue/format.hpp"

namespace linkd::queue {

// What recovery or reading found wrong; for one log line and the counter reason="damaged".
struct damage {
  std::string where;  // file and position
  std::string what;
  std::uint64_t records = 0;  // offsets lost, as far as they can be told
};

struct removed {  // since the last take_removed()
  std::uint64_t overflow = 0, age = 0, damaged = 0;
};

struct queued_record {
  std::uint64_t offset = 0;
  bytes_view body;
};

// Records [begin, end) as far as they exist. The views look into `buffer` or, of records that are
// not committed, into the queue's memory: until the next append() or finish_commit().
struct read_batch {
  std::uint64_t begin = 0, end = 0;
  bytes buffer;
  std::vector<queued_record> records;
};

// The messages waiting for one peer: an append-only log of opaque records in a directory of
// segments (queue/FORMAT.md). Records are numbered by offsets that never repeat under one id().
//
// Appending is in three steps, so that no disk call runs on the main thread: append() stages in
// memory, start_commit() hands out one job of blocking work for a worker, finish_commit() takes its
// outcome. At most one job is out at a time. Memory holds what is staged, in the job, or in the
// batch being read, whatever the backlog.
//
// A record can be read, and sent, as soon as it is staged; while batches fail, not before it is
// committed, or each attempt would send the same ones. If it is lost before it is committed,
// its offset will name another one: then the queue has a new id(), and former_ids() tells how far
// the old one still holds.
class link_queue {
 public:
  // Recovers what is in `directory` (created if absent). Blocking; at start only. Damage is
  // reported, never an error; errors are: errc::locked, or a directory that cannot be used at all.
  // `fresh_id` names the queue if the directory is new or was not closed in order.
  static result<std::unique_ptr<link_queue>> open(storage& disk, const std::string& directory,
                                                  const queue_settings& settings,
                                                  std::uint64_t fresh_id, stamp now,
                                                  std::vector<damage>& found);
  // Closes in order, unless a job is out: writes and syncs the checkpoint. Blocking. What is staged
  // is not stored.
  ~link_queue();

  [[nodiscard]] std::uint64_t id() const;
  [[nodiscard]] std::uint64_t log_id() const;         // the first id; stays when id() changes
  [[nodiscard]] std::uint64_t begin() const;          // oldest offset kept; == end() if empty
  [[nodiscard]] std::uint64_t end() const;            // one past the newest offset
  [[nodiscard]] std::uint64_t committed_end() const;  // one past the newest committed offset
  [[nodiscard]] std::uint64_t readable_end() const;   // one past what read() may give
  [[nodiscard]] const std::vector<former_id>& former_ids() const;

  // Changes limits and policies at once; files stay.
  void configure(const queue_settings& settings);

  // False: dropped by overflow policy (counted). True: staged; the oldest may have been dropped for
  // it. `bytes_max` limits the segment files; a record that needs more than half of it is dropped.
  bool append(bytes_view record, stamp captured_at);
  // Everything below `offset` is delivered (values above committed_end() count as that). Written
  // with the next job; after a power cut an older value may be in force, never a newer one.
  void release(std::uint64_t offset);
  // Drops committed records older than age_max.
  void expire(stamp now);
  // Segment files wait for the next job to be removed.
  [[nodiscard]] bool has_removals() const;

  // The next blocking work (writes, sync, checkpoint, new spare segment, unlinks), if any is due
  // and no job is out. run() may run on another thread while the queue is read and appended to.
  class job {
   public:
    virtual ~job() = default;
    virtual void run() = 0;
  };
  std::shared_ptr<job> start_commit();
  // After run(). Success: everything staged before start_commit() is stored. On an error nothing of
  // the job's batch is stored: it is discarded, and so is what was staged since (it comes after
  // it). A segment that failed is closed at its last good sync and never synced again; the next
  // append goes to a new one. If some of what is discarded was read, `fresh_id` names the queue
  // from now on. The queue stays usable; the next commit tries again.
  result<void> finish_commit(const std::shared_ptr<job>& done, std::uint64_t fresh_id);

  // Up to about `bytes_max` (at least one record) from the first record at or after `offset`, from
  // one segment or several. Damage met on the way is skipped, and reported the first time; so a
  // batch may be without records and yet end behind `offset`. One that ends at `offset` below end()
  // means the disk does not answer (reported too): try again later. Blocking, but short.
  read_batch read(std::uint64_t offset, std::size_t bytes_max, std::vector<damage>& found);

  // Committed, in the job and staged, not released. Offsets lost to damage count until they are
  // released.
  [[nodiscard]] std::uint64_t messages() const;
  [[nodiscard]] std::uint64_t body_bytes() const;  // of those
  // At and after `offset`; may be rounded up, but exact where the last read ended.
  [[nodiscard]] std::uint64_t bytes_after(std::uint64_t offset) const;
  // When the oldest of messages() was captured.
  [[nodiscard]] std::optional<stamp> oldest() const;
  removed take_removed();

 private:
  struct state;
  explicit link_queue(std::unique_ptr<state> opened);
  std::unique_ptr<state> state_;
};

}  // namespace linkd::queue

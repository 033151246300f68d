#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mqtt_linkd/bytes.hpp"
#include "mqtt_linkd/ports/storage.hpp"
#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"
#include "mqtt_linkd/time.hpp"

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

// Records [begin, end) as far as they exist; `buffer` owns the memory the views look into.
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
// outcome. Only committed records are read. At most one job is out at a time. Memory holds what is
// staged, in the job, or in the batch being read, whatever the backlog.
class link_queue {
 public:
  // Recovers what is in `directory` (created if absent). Blocking; at start only. Damage is
  // reported, never an error; errors are: errc::locked, or a directory that cannot be used at all.
  // `fresh_id` names the queue if the directory is new.
  static result<std::unique_ptr<link_queue>> open(storage& disk, const std::string& directory,
                                                  const queue_settings& settings,
                                                  std::uint64_t fresh_id, stamp now,
                                                  std::vector<damage>& found);
  ~link_queue();

  [[nodiscard]] std::uint64_t id() const;
  [[nodiscard]] std::uint64_t begin() const;  // oldest offset kept; == end() if empty
  [[nodiscard]] std::uint64_t end() const;    // one past the newest committed offset

  // Changes limits and policies at once; files stay.
  void configure(const queue_settings& settings);

  // False: dropped by overflow policy (counted) . True: staged; the oldest may have been dropped
  // for it.
  bool append(bytes_view record, stamp captured_at);
  // Everything below `offset` is delivered. Durable with a later commit or sync of the checkpoint.
  void release(std::uint64_t offset);
  // Drops records older than age_max.
  void expire(stamp now);

  // The next blocking work (writes, sync, checkpoint, new spare segment, unlinks), if any is due
  // and no job is out. run() may run on another thread while the queue is read and appended to.
  class job {
   public:
    virtual ~job() = default;
    virtual void run() = 0;
  };
  std::shared_ptr<job> start_commit();
  // After run(). On an error nothing of the job's batch is stored: it is discarded, the segment is
  // closed at its last good sync and never synced again, the next append goes to a new one.
  result<void> finish_commit(const std::shared_ptr<job>& done);

  // Up to about `bytes_max` (at least one record) from the first record at or after `offset`.
  // Damage met on the way is skipped and reported.
  read_batch read(std::uint64_t offset, std::size_t bytes_max, std::vector<damage>& found);

  [[nodiscard]] std::uint64_t messages() const;    // committed and staged, not released
  [[nodiscard]] std::uint64_t body_bytes() const;  // of those
  [[nodiscard]] std::uint64_t bytes_after(
      std::uint64_t offset) const;  // committed at and after; may be rounded up
  [[nodiscard]] std::optional<stamp> oldest() const;
  removed take_removed();
};

}  // namespace linkd::queue

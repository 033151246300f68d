#pragma once

#include <deque>
#include <vector>

#include "queue/commit_job.hpp"

namespace linkd::queue {

// What opening a directory found; the state a queue starts with.
struct recovered_log {
  std::deque<segment> segments;  // ascending; the last one is written to if `active`
  log_tail tail;
  std::shared_ptr<file> active;
  std::optional<blank_segment> spare;
  std::uint64_t next_number = 1;
  std::vector<std::uint64_t> removals;  // files the first commit may delete
  checkpoint mark;                      // ids, begin and end as they are now; not yet written
  std::uint64_t damaged = 0;            // records that are missing and no reader will notice
};

// Follows queue/FORMAT.md, "Opening". Changes nothing but moving files to quarantine/.
result<recovered_log> recover(queue_directory& where, sync_policy sync, std::uint64_t fresh_id,
                              std::vector<damage>& found);

}  // namespace linkd::queue

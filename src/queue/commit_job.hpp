#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mqtt_linkd/ports/storage.hpp"
#include "queue/format.hpp"
#include "queue/link_queue.hpp"
#include "queue/slot_file.hpp"

namespace linkd::queue {

// The open directory of a queue. Held by the queue and by its job, whichever ends last.
struct queue_directory {
  storage& disk;
  std::string path;
  std::unique_ptr<directory_lock> lock;
  slot_file checkpoint_file;

  [[nodiscard]] std::string file_path(std::uint64_t number) const {
    return path + "/" + segment_name(number);
  }
};

struct segment {
  segment_header header;
  std::uint64_t size = 0;          // of the file
  std::uint64_t end_position = 0;  // nothing behind it is read
};

// An allocated file that will become a segment.
struct blank_segment {
  std::uint64_t number = 0;
  std::uint64_t size = 0;
  std::shared_ptr<file> target;
};

// Where the next record goes.
struct log_tail {
  std::uint64_t offset = 0;
  std::uint64_t body_bytes = 0;  // of all records before it, since the log began
  std::uint64_t position = 0;
  std::uint64_t segment_bytes = 0;  // 0: a new segment must be begun
};

// Records that go to one segment with one write.
struct chunk {
  bool opens_segment = false;  // then `data` leaves room for the header, which the job fills in
  segment_header header;
  std::uint64_t segment_bytes = 0;
  std::uint64_t position = 0;
  bytes data;
};

// The blocking work of one commit. Filled by the queue, run anywhere, and looked at by the queue
// after run(). Meanwhile the queue reads the records of the chunks, and nothing else.
class commit_job final : public link_queue::job {
 public:
  explicit commit_job(std::shared_ptr<queue_directory> where) : where_(std::move(where)) {}
  void run() override;

  // In: what to do.
  std::vector<chunk> chunks;
  bool sync = true;
  bool renamed = false;                 // `mark` has an id that is not on the disk yet
  log_tail before, after;               // the tail without and with `chunks`
  checkpoint mark;                      // its end is filled in by run()
  std::uint64_t first_captured_ms = 0;  // of `chunks`
  std::uint64_t spare_bytes = 0;
  // In and out.
  std::shared_ptr<file> active;  // out, after an error: none if there is no usable segment
  std::optional<blank_segment> spare;
  std::uint64_t next_number = 0;
  std::vector<std::uint64_t> removals;  // out: those that could not be removed
  // Out.
  result<void> outcome;
  std::optional<segment> restarted;  // after an error: the empty segment that cuts the last one off

 private:
  result<void> store();
  result<void> save_name();
  result<void> open_files();
  result<void> write_chunks();
  void abandon();
  void discard(std::uint64_t number);
  void remove_segments();
  result<blank_segment> take_blank(std::uint64_t size);
  result<blank_segment> create_blank(std::uint64_t size);

  std::shared_ptr<queue_directory> where_;
  std::vector<blank_segment> opened_;
};

}  // namespace linkd::queue

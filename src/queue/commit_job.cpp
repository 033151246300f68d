#include "queue/commit_job.hpp"

#include <algorithm>
#include <utility>

namespace linkd::queue {

void commit_job::run() {
  // The batch first: acknowledgements wait for it.
  if (!chunks.empty()) outcome = store();
  mark.end = outcome ? after.offset : before.offset;
  // In place, so it works on a full disk. If it fails, more is repeated after a crash, and nothing
  // is deleted that a start would miss.
  if (where_->checkpoint_file.write(encode(mark), !removals.empty())) remove_segments();
  if (!spare) {
    if (auto made = create_blank(spare_bytes)) spare = std::move(*made);
  }
}

result<void> commit_job::store() {
  if (auto done = save_name(); !done) return done;
  if (auto done = open_files(); !done) return done;
  auto done = write_chunks();
  if (done) done = where_->lock->check();
  if (!done) abandon();
  return done;
}

// Before an offset is used again that has another meaning under the former id.
result<void> commit_job::save_name() {
  if (!renamed) return {};
  mark.end = before.offset;
  return where_->checkpoint_file.write(encode(mark), true);
}

// All files before the first byte: on a full disk nothing has happened then, and the segment in use
// stays in use.
result<void> commit_job::open_files() {
  for (auto& each : chunks) {
    if (!each.opens_segment) continue;
    auto blank = take_blank(each.segment_bytes);
    if (!blank) {
      for (auto& unused : opened_) {
        if (spare)
          discard(unused.number);
        else
          spare = std::move(unused);
      }
      return blank.error();
    }
    each.header.number = blank->number;
    each.segment_bytes = blank->size;
    opened_.push_back(std::move(*blank));
  }
  return {};
}

result<void> commit_job::write_chunks() {
  auto next = opened_.begin();
  for (auto& each : chunks) {
    if (each.opens_segment) {
      active = (next++)->target;
      // In place: whoever reads the records meanwhile must not see `data` change its size.
      std::ranges::copy(encode(each.header), each.data.begin());
    }
    if (auto done = active->write_at(each.position, each.data); !done) return done;
    // Before the next segment is begun: its header declares this one complete.
    if (!sync) continue;
    if (auto done = active->sync(); !done) return done;
  }
  return {};
}

// No file this batch was written to is used again. The header of a new segment cuts the batch off
// now, before anything could bring it back.
void commit_job::abandon() {
  active.reset();
  for (const auto& each : opened_) discard(each.number);
  auto blank = take_blank(spare_bytes);
  if (!blank) return;
  segment fresh;
  fresh.header.log_id = mark.log_id;
  fresh.header.number = blank->number;
  fresh.header.first_offset = before.offset;
  fresh.header.body_bytes_before = before.body_bytes;
  fresh.size = blank->size;
  fresh.end_position = records_at;
  if (blank->target->write_at(0, encode(fresh.header)) && blank->target->sync()) {
    active = blank->target;
    restarted = fresh;
  } else {
    discard(blank->number);
  }
}

// No checkpoint on disk may need this file. What cannot be removed now is kept in `removals`.
void commit_job::discard(std::uint64_t number) {
  const auto gone = where_->disk.remove(where_->file_path(number));
  if (!gone && gone.error().code != errc::not_found) removals.push_back(number);
}

void commit_job::remove_segments() {
  if (removals.empty()) return;
  for (const auto number : std::exchange(removals, {})) discard(number);
  // If it fails they may reappear after a crash of the machine; opening expects that.
  (void)where_->disk.sync_directory(where_->path);
}

result<blank_segment> commit_job::take_blank(std::uint64_t size) {
  if (!spare) return create_blank(size);
  if (spare->size < size) {
    if (auto done = spare->target->allocate(size); !done) return done.error();
    spare->size = size;
  }
  auto taken = std::move(*spare);
  spare.reset();
  return taken;
}

result<blank_segment> commit_job::create_blank(std::uint64_t size) {
  blank_segment made{next_number++, size, nullptr};
  const auto path = where_->file_path(made.number);
  const auto prepare = [&]() -> result<void> {
    auto target = where_->disk.open(path, open_mode::create_new);
    if (!target) return target.error();
    made.target = std::move(*target);
    if (auto done = made.target->allocate(size); !done) return done;
    if (auto done = made.target->sync(); !done) return done;
    return where_->disk.sync_directory(where_->path);
  };
  if (auto done = prepare(); !done) {
    if (made.target) discard(made.number);
    return done.error();
  }
  return made;
}

}  // namespace linkd::queue

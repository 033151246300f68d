#include "queue/link_queue.hpp"

#include <algorithm>

#include "queue/queue_state.hpp"

namespace linkd::queue {
namespace {

constexpr std::uint64_t size_granularity = 4096;
constexpr std::uint64_t segments_min = 4;  // kept whatever bytes_max says
constexpr std::uint64_t segments_wanted = 16;
constexpr std::uint64_t record_bytes_max = 1u << 30;

std::uint64_t rounded_up(std::uint64_t size) {
  return (size + size_granularity - 1) / size_granularity * size_granularity;
}

}  // namespace

link_queue::state::state(std::shared_ptr<queue_directory> opened, const queue_settings& chosen,
                         recovered_log&& log)
    : where(std::move(opened)),
      settings(chosen),
      mark(log.mark),
      segments(std::move(log.segments)),
      committed(log.tail),
      planned(log.tail),
      active(std::move(log.active)),
      spare(std::move(log.spare)),
      next_number(log.next_number),
      removals(std::move(log.removals)),
      reported(log.mark.begin) {
  counts.damaged = log.damaged;
  for (const auto& each : segments) disk_bytes += each.size;
}

std::uint64_t link_queue::state::segment_bytes() const {
  return std::clamp(settings.bytes_max / segments_wanted / size_granularity * size_granularity,
                    segment_bytes_min, segment_bytes_max);
}

// Plans a new segment for a record of `stride` bytes. False: there may not be one.
bool link_queue::state::begin_segment(std::uint64_t stride, stamp captured_at) {
  const auto size = std::max(segment_bytes(), rounded_up(records_at + stride));
  if (!make_room(size)) return false;
  auto& fresh = staged.emplace_back();
  fresh.opens_segment = true;
  fresh.header.log_id = mark.log_id;
  fresh.header.first_offset = planned.offset;
  fresh.header.body_bytes_before = planned.body_bytes;
  fresh.header.first_captured_ms = ms_of(captured_at);
  fresh.segment_bytes = size;
  fresh.data.assign(records_at, '\0');
  planned.position = records_at;
  planned.segment_bytes = size;
  disk_bytes += size;
  return true;
}

bool link_queue::state::make_room(std::uint64_t size) {
  const auto limit = std::max(settings.bytes_max, segments_min * segment_bytes());
  if (size > limit / 2) return false;
  while (disk_bytes + size > limit) {
    if (settings.overflow == overflow_policy::drop_newest) return false;
    if (!drop_front(counts.overflow)) return false;
  }
  return true;
}

// Drops what the oldest segment still holds. False: it is the one being written to.
bool link_queue::state::drop_front(std::uint64_t& counter) {
  if (segments.size() < 2) return false;
  const auto next = segments[1].header.first_offset;
  counter += next - mark.begin;
  move_begin(next);
  return true;
}

void link_queue::state::move_begin(std::uint64_t offset) {
  mark.begin = offset;
  housekeeping_due = true;
  forget_delivered();
}

void link_queue::state::forget_delivered() {
  while (segments.size() > 1 && segments[1].header.first_offset <= mark.begin) {
    remove(segments.front());
    segments.pop_front();
  }
}

void link_queue::state::remove(const segment& which) {
  removals.push_back(which.header.number);
  housekeeping_due = true;
  disk_bytes -= which.size;
}

void link_queue::state::add(const segment& fresh) {
  if (!segments.empty() && segments.back().header.first_offset == fresh.header.first_offset) {
    remove(segments.back());  // it holds nothing and is cut off by the new one
    segments.pop_back();
  }
  segments.push_back(fresh);
}

void link_queue::state::commit(const commit_job& done) {
  for (const auto& each : done.chunks) {
    if (each.opens_segment) add({each.header, each.segment_bytes, 0});
    segments.back().end_position = each.position + each.data.size();
  }
  committed = done.after;
  if (!done.chunks.empty()) renamed = failing = false;
  forget_delivered();
}

void link_queue::state::roll_back(const commit_job& failed, std::uint64_t fresh_id) {
  staged.clear();
  failing = true;
  if (shown_end > committed.offset) {
    mark.rename(fresh_id, committed.offset);
    renamed = true;
  }
  shown_end = std::min(shown_end, committed.offset);
  if (!failed.active) committed.segment_bytes = 0;
  if (failed.restarted) {
    add(*failed.restarted);
    committed.position = records_at;
    committed.segment_bytes = failed.restarted->size;
  }
  planned = committed;
  disk_bytes = 0;
  for (const auto& each : segments) disk_bytes += each.size;
}

link_queue::link_queue(std::unique_ptr<state> opened) : state_(std::move(opened)) {}

link_queue::~link_queue() {
  auto& s = *state_;
  if (s.out || s.shown_end > s.committed.offset) return;
  const bool unsynced = (s.mark.flags & checkpoint::unsynced) != 0;
  if (unsynced && s.active && !s.active->sync()) return;
  s.mark.flags |= checkpoint::closed;
  s.mark.end = s.committed.offset;
  // If it fails the next start counts as one after a crash.
  (void)s.where->checkpoint_file.write(encode(s.mark), true);
}

result<std::unique_ptr<link_queue>> link_queue::open(storage& disk, const std::string& directory,
                                                     const queue_settings& settings,
                                                     std::uint64_t fresh_id, stamp now,
                                                     std::vector<damage>& found) {
  if (auto done = disk.make_directory(directory); !done) return done.error();
  auto lock = disk.lock(directory);
  if (!lock) return lock.error();
  auto checkpoint_file = slot_file::open(disk, directory + "/checkpoint");
  if (!checkpoint_file) return checkpoint_file.error();
  const auto where = std::make_shared<queue_directory>(
      queue_directory{disk, directory, std::move(*lock), std::move(*checkpoint_file)});
  auto log = recover(*where, settings.sync, fresh_id, found);
  if (!log) return log.error();
  // From here on the directory counts as in use, under the id that may be told to the peer.
  if (auto done = where->checkpoint_file.write(encode(log->mark), true); !done) return done.error();
  std::unique_ptr<link_queue> opened(
      new link_queue(std::make_unique<state>(where, settings, std::move(*log))));
  opened->expire(now);
  return opened;
}

std::uint64_t link_queue::id() const {
  return state_->mark.queue_id;
}
std::uint64_t link_queue::log_id() const {
  return state_->mark.log_id;
}
std::uint64_t link_queue::begin() const {
  return state_->mark.begin;
}
std::uint64_t link_queue::end() const {
  return state_->planned.offset;
}
std::uint64_t link_queue::committed_end() const {
  return state_->committed.offset;
}
std::uint64_t link_queue::readable_end() const {
  return state_->failing ? committed_end() : end();
}
const std::vector<former_id>& link_queue::former_ids() const {
  return state_->mark.former;
}

void link_queue::configure(const queue_settings& settings) {
  auto& s = *state_;
  s.settings = settings;
  if (settings.sync == sync_policy::none) s.mark.flags |= checkpoint::unsynced;
  (void)s.make_room(0);
}

bool link_queue::append(bytes_view record, stamp captured_at) {
  auto& s = *state_;
  const auto stride = record_stride(record.size());
  const bool first = s.staged.empty();
  const bool fits = s.planned.segment_bytes >= s.planned.position + stride;
  if (record.size() > record_bytes_max || (!fits && !s.begin_segment(stride, captured_at))) {
    ++s.counts.overflow;
    return false;
  }
  if (first) {
    if (fits) s.staged.emplace_back().position = s.planned.position;
    s.staged_offset = s.planned.offset;
    s.staged_captured_ms = ms_of(captured_at);
  }
  record_header header;
  header.offset = s.planned.offset++;
  header.captured_ms = ms_of(captured_at);
  header.index_in_commit = static_cast<std::uint32_t>(header.offset - s.staged_offset);
  append_record(s.staged.back().data, s.mark.log_id, header, record);
  s.planned.position += stride;
  s.planned.body_bytes += record.size();
  return true;
}

void link_queue::release(std::uint64_t offset) {
  auto& s = *state_;
  offset = std::min(offset, s.committed.offset);
  if (offset <= s.mark.begin) return;
  s.move_begin(offset);
  if (offset < s.committed.offset || !s.active) return;
  const auto& last = s.segments.back().header;
  s.front = std::make_unique<segment_walker>(s.active, last.number, s.mark.log_id, offset,
                                             s.committed.position,
                                             s.committed.body_bytes - last.body_bytes_before);
}

void link_queue::expire(stamp now) {
  auto& s = *state_;
  const auto too_old = [&](std::uint64_t captured_ms) {
    return stamp_of(captured_ms) + s.settings.age_max < now;
  };
  while (s.mark.begin < s.committed.offset) {
    const auto next_captured_ms =
        s.segments.size() > 1 ? s.segments[1].header.first_captured_ms : 0;
    if (next_captured_ms != 0 && too_old(next_captured_ms)) {
      s.drop_front(s.counts.age);
      continue;
    }
    auto* const front = s.at_begin();
    if (front == nullptr || front->peek(s.end_of(0), false) != segment_walker::outcome::record ||
        !too_old(front->current().header.captured_ms))
      return;
    ++s.counts.age;
    release(front->current().header.offset + 1);
  }
}

std::shared_ptr<link_queue::job> link_queue::start_commit() {
  auto& s = *state_;
  if (s.out || (s.staged.empty() && !s.housekeeping_due)) return nullptr;
  const auto next = std::make_shared<commit_job>(s.where);
  next->chunks = std::move(s.staged);
  s.staged.clear();
  next->sync = s.settings.sync == sync_policy::batch;
  next->before = s.committed;
  next->after = s.planned;
  next->mark = s.mark;
  next->renamed = s.renamed;
  next->first_captured_ms = s.staged_captured_ms;
  next->spare_bytes = s.segment_bytes();
  next->active = s.active;
  next->spare = std::move(s.spare);
  s.spare.reset();
  next->next_number = s.next_number;
  next->removals = std::move(s.removals);
  s.removals.clear();
  s.housekeeping_due = false;
  s.out = next;
  return next;
}

result<void> link_queue::finish_commit(const std::shared_ptr<job>& done, std::uint64_t fresh_id) {
  auto& s = *state_;
  if (!done || done != s.out) return error{errc::invalid, "not the job that is out"};
  const auto finished = std::move(s.out);
  s.out.reset();
  s.active = finished->active;
  s.spare = finished->spare;
  s.next_number = finished->next_number;
  s.removals.insert(s.removals.end(), finished->removals.begin(), finished->removals.end());
  if (finished->outcome)
    s.commit(*finished);
  else
    s.roll_back(*finished, fresh_id);
  return finished->outcome;
}

std::uint64_t link_queue::messages() const {
  return state_->planned.offset - state_->mark.begin;
}

bool link_queue::has_removals() const {
  return !state_->removals.empty();
}

removed link_queue::take_removed() {
  return std::exchange(state_->counts, {});
}

}  // namespace linkd::queue

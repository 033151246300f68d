#include "queue/recovery.hpp"

#include <algorithm>
#include <limits>

#include "queue/segment_walker.hpp"

namespace linkd::queue {
namespace {

constexpr std::uint64_t no_end = std::numeric_limits<std::uint64_t>::max();

// Whether `source` holds nothing but zeros in [from, to). Unreadable: no.
bool all_zero(file& source, std::uint64_t from, std::uint64_t to) {
  bytes buffer;
  while (from < to) {
    buffer.resize(std::min<std::uint64_t>(to - from, 64u << 10));
    const auto got = source.read_at(from, buffer);
    if (!got || *got != buffer.size()) return false;
    if (buffer.find_first_not_of('\0') != bytes::npos) return false;
    from += *got;
  }
  return true;
}

// Writes what is in [0, to) once more, as it is, and syncs it.
result<void> store_again(file& target, std::uint64_t to) {
  bytes buffer;
  for (std::uint64_t at = 0; at < to; at += buffer.size()) {
    buffer.resize(std::min<std::uint64_t>(to - at, 64u << 10));
    const auto got = target.read_at(at, buffer);
    if (!got) return got.error();
    if (*got != buffer.size()) return error{errc::io, "shorter than it was"};
    if (auto done = target.write_at(at, buffer); !done) return done;
  }
  return target.sync();
}

class recovery {
 public:
  recovery(queue_directory& where, std::uint64_t fresh_id, std::vector<damage>& found)
      : where_(where), fresh_id_(fresh_id), found_(found) {}

  result<recovered_log> run(sync_policy sync) {
    if (auto done = inspect_files(); !done) return done.error();
    read_checkpoint();
    adopt_segments();
    adopt_spare();
    if (auto done = read_newest(); !done) return done.error();
    settle_offsets();
    settle_id(sync);
    if (!quarantined_) return std::move(log_);
    (void)where_.disk.sync_directory(quarantine_path());
    (void)where_.disk.sync_directory(where_.path);
    return std::move(log_);
  }

 private:
  struct candidate {
    segment found;
    std::shared_ptr<file> source;
  };

  [[nodiscard]] std::string quarantine_path() const { return where_.path + "/quarantine"; }
  void report(const std::string& name, const std::string& what, std::uint64_t records = 0) {
    found_.push_back({name.empty() ? where_.path : where_.path + "/" + name, what, records});
    log_.damaged += records;
  }
  bool quarantine(std::uint64_t number, const std::string& why);
  result<void> inspect_files();
  result<void> inspect(std::uint64_t number);
  void read_checkpoint();
  void adopt_segments();
  void adopt_spare();
  result<void> read_newest();
  [[nodiscard]] static bool was_stored(const segment_walker& place, walk_end end);
  void settle_offsets();
  void settle_id(sync_policy sync);

  queue_directory& where_;
  const std::uint64_t fresh_id_;
  std::vector<damage>& found_;
  recovered_log log_;
  std::vector<candidate> candidates_;  // ascending numbers
  std::vector<blank_segment> blanks_;  // files with a zero header
  std::optional<checkpoint> stored_;   // what the checkpoint file said
  bool quarantined_ = false;
  bool sync_failed_ = false;
};

bool recovery::quarantine(std::uint64_t number, const std::string& why) {
  const auto name = segment_name(number);
  const auto moved = [&]() -> result<void> {
    if (auto done = where_.disk.make_directory(quarantine_path()); !done) return done;
    return where_.disk.rename(where_.path + "/" + name, quarantine_path() + "/" + name);
  }();
  report(name, why + (moved ? ": moved to quarantine/" : ": left alone, " + moved.error().text));
  quarantined_ = true;
  return moved.has_value();
}

result<void> recovery::inspect_files() {
  const auto names = where_.disk.list(where_.path);
  if (!names) return names.error();
  std::vector<std::uint64_t> numbers;
  for (const auto& name : *names)
    if (const auto number = segment_number(name)) numbers.push_back(*number);
  for (const auto number : numbers) {
    log_.next_number = std::max(log_.next_number, number + 1);
    if (auto done = inspect(number); !done) return done;
  }
  if (const auto set_aside = where_.disk.list(quarantine_path())) {
    for (const auto& name : *set_aside)
      if (const auto number = segment_number(name))
        log_.next_number = std::max(log_.next_number, *number + 1);
  }
  return {};
}

// A file that cannot be read must not stay: what is written next would declare it void.
result<void> recovery::inspect(std::uint64_t number) {
  const auto set_aside = [&](const error& why) -> result<void> {
    if (quarantine(number, "cannot be read, " + why.text)) return {};
    return why;
  };
  auto opened = where_.disk.open(where_.file_path(number), open_mode::existing);
  if (!opened && opened.error().code == errc::permission) return set_aside(opened.error());
  if (!opened) return opened.error();
  const std::shared_ptr<file> source = std::move(*opened);
  const auto size = source->size();
  if (!size) return size.error();
  bytes front(records_at, '\0');
  auto got = source->read_at(0, front);
  if (!got) got = source->read_at(0, front);
  if (!got) return set_aside(got.error());

  candidate each;
  each.source = source;
  each.found.size = each.found.end_position = *size;
  auto& header = each.found.header;
  switch (decode(bytes_view(front).substr(0, *got), header)) {
    case header_state::zero:
      blanks_.push_back({number, *size, source});
      break;
    case header_state::bad:
      quarantine(number, "segment header does not check out");
      break;
    case header_state::good:
      if (header.version != format_version)
        quarantine(number, "segment of version " + std::to_string(header.version));
      else if (header.number != number)
        quarantine(number, "segment is a copy of number " + std::to_string(header.number));
      else
        candidates_.push_back(std::move(each));
  }
  return {};
}

void recovery::read_checkpoint() {
  if (const auto& value = where_.checkpoint_file.value()) stored_ = decode_checkpoint(*value);
  const bool fresh = candidates_.empty() && !where_.checkpoint_file.value();
  if (!stored_ && !fresh)
    report("checkpoint", "does not check out: everything kept counts as not delivered");
  if (stored_) log_.mark = *stored_;
  if (!stored_)
    log_.mark.log_id = candidates_.empty() ? fresh_id_ : candidates_.back().found.header.log_id;
}

void recovery::adopt_segments() {
  auto limit = no_end;
  for (auto each = candidates_.rbegin(); each != candidates_.rend(); ++each) {
    const auto& header = each->found.header;
    if (header.log_id != log_.mark.log_id) {
      quarantine(header.number, "segment of another queue");
    } else if (header.first_offset >= limit) {
      log_.removals.push_back(header.number);  // void
    } else {
      limit = header.first_offset;
      if (log_.segments.empty()) log_.active = each->source;
      log_.segments.push_front(each->found);
    }
  }
}

void recovery::adopt_spare() {
  const auto newest = log_.segments.empty() ? 0 : log_.segments.back().header.number;
  for (auto& blank : blanks_) {
    if (!all_zero(*blank.target, 0, blank.size)) {
      quarantine(blank.number, "segment without a header");
    } else if (!log_.spare && blank.number > newest && blank.size >= segment_bytes_min) {
      log_.spare = std::move(blank);
    } else {
      log_.removals.push_back(blank.number);
    }
  }
}

// Whether anything further on proves that the record expected at `place` had been stored.
bool recovery::was_stored(const segment_walker& place, walk_end end) {
  const auto walker = place.fork();
  while (walker->peek(end, true) == segment_walker::outcome::record) {
    const auto& header = walker->current().header;
    if (header.offset - header.index_in_commit > place.offset()) return true;
    walker->pop();
  }
  return false;
}

result<void> recovery::read_newest() {
  if (log_.segments.empty()) return {};
  auto& newest = log_.segments.back();
  const auto& header = newest.header;
  const walk_end end{no_end, newest.size};
  segment_walker walker(log_.active, header.number, header.log_id, header.first_offset);
  auto next = walker.peek(end, true);
  for (; next == segment_walker::outcome::record; next = walker.peek(end, true)) {
    if (walker.current().header.offset > walker.offset() && !was_stored(walker, end)) break;
    walker.pop();
  }
  if (next == segment_walker::outcome::unreadable)
    return error{errc::io, where_.file_path(header.number) + ": cannot be read"};
  newest.end_position = walker.position();
  log_.tail.offset = walker.offset();
  log_.tail.body_bytes = header.body_bytes_before + walker.body_bytes();
  log_.tail.position = walker.position();
  // What has been found may still be in memory only; it must not be sent before it is on disk. If a
  // sync of an earlier life failed, the system counts it as written: only a new write changes that.
  sync_failed_ = store_again(*log_.active, walker.position()).has_error();
  if (sync_failed_ || !all_zero(*log_.active, walker.position(), newest.size))
    log_.active.reset();
  else
    log_.tail.segment_bytes = newest.size;
  return {};
}

void recovery::settle_offsets() {
  auto& mark = log_.mark;
  if (log_.segments.empty()) {
    log_.tail.offset = mark.end;
    if (mark.begin < mark.end) report("", "segments are missing", mark.end - mark.begin);
    mark.begin = mark.end;
    return;
  }
  const auto first = log_.segments.front().header.first_offset;
  if (stored_ && mark.end > log_.tail.offset)
    report("", "the newest records are missing", mark.end - std::max(mark.begin, log_.tail.offset));
  if (stored_ && mark.begin < first)
    report("", "the oldest segments are missing", std::min(first, mark.end) - mark.begin);
  mark.begin = std::clamp(mark.begin, first, log_.tail.offset);
  while (log_.segments.size() > 1 && log_.segments[1].header.first_offset <= mark.begin) {
    log_.removals.push_back(log_.segments.front().header.number);
    log_.segments.pop_front();
  }
}

void recovery::settle_id(sync_policy sync) {
  auto& mark = log_.mark;
  const bool in_order = (mark.flags & checkpoint::closed) != 0;
  const bool unsynced = (mark.flags & checkpoint::unsynced) != 0;
  if (!stored_ || mark.end > log_.tail.offset || sync_failed_ || (unsynced && !in_order)) {
    mark.queue_id = fresh_id_;
    mark.former.clear();
  } else if (!in_order) {
    mark.rename(fresh_id_, log_.tail.offset);
  }
  mark.end = log_.tail.offset;
  mark.flags = sync == sync_policy::none ? checkpoint::unsynced : 0;
}

}  // namespace

result<recovered_log> recover(queue_directory& where, sync_policy sync, std::uint64_t fresh_id,
                              std::vector<damage>& found) {
  return recovery(where, fresh_id, found).run(sync);
}

}  // namespace linkd::queue

#include <algorithm>

#include "queue/link_queue.hpp"
#include "queue/queue_state.hpp"

// Everything of link_queue that reads.
namespace linkd::queue {
namespace {

constexpr std::size_t reserve_bytes_max = 1u << 20;
constexpr std::size_t reserve_bytes_min = 64;  // more than a string holds without the heap

}  // namespace

// `offset` is in [begin, end).
std::size_t link_queue::state::index_of(std::uint64_t offset) const {
  const auto behind = std::upper_bound(
      segments.begin(), segments.end(), offset,
      [](std::uint64_t wanted, const segment& each) { return wanted < each.header.first_offset; });
  return static_cast<std::size_t>(behind - segments.begin()) - 1;
}

walk_end link_queue::state::end_of(std::size_t index) const {
  const bool last = index + 1 == segments.size();
  return {last ? committed.offset : segments[index + 1].header.first_offset,
          segments[index].end_position};
}

result<void> link_queue::state::bring(std::unique_ptr<segment_walker>& walker, std::size_t index,
                                      std::uint64_t offset) const {
  const auto& header = segments[index].header;
  const auto usable = [&](const std::unique_ptr<segment_walker>& each) {
    return each && each->number() == header.number && each->offset() <= offset;
  };
  if (!usable(walker)) {
    if (usable(front)) {
      walker = front->fork();
    } else {
      auto opened = where->disk.open(where->file_path(header.number), open_mode::existing);
      if (!opened) return opened.error();
      walker = std::make_unique<segment_walker>(std::move(*opened), header.number, header.log_id,
                                                header.first_offset);
    }
  }
  while (walker->offset() < offset &&
         walker->peek(end_of(index), false) == segment_walker::outcome::record &&
         walker->current().header.offset < offset)
    walker->pop();
  return {};
}

segment_walker* link_queue::state::at_begin() const {
  if (mark.begin == committed.offset) return nullptr;
  return bring(front, 0, mark.begin) ? front.get() : nullptr;
}

void link_queue::state::report_lost(std::uint64_t from, std::uint64_t to,
                                    std::vector<damage>& found) {
  from = std::max(from, reported);
  if (from >= to) return;
  const auto where_from = where->file_path(segments[index_of(from)].header.number);
  found.push_back({where_from,
                   "records from offset " + std::to_string(from) + " to " + std::to_string(to - 1) +
                       " do not check out",
                   to - from});
  counts.damaged += to - from;
  reported = to;
}

template <class Visit>
void link_queue::state::walk_tail(std::uint64_t offset, Visit visit) const {
  const auto walk = [&](const std::vector<chunk>& chunks) {
    for (const auto& each : chunks) {
      bytes_view rest = each.data;
      if (each.opens_segment) rest.remove_prefix(records_at);
      while (!rest.empty()) {
        const auto header = unchecked_record_header(rest);
        const auto body = rest.substr(record_header_bytes, header.length);
        if (header.offset >= offset && !visit(header.offset, body)) return false;
        rest.remove_prefix(record_stride(header.length));
      }
    }
    return true;
  };
  if (!out || walk(out->chunks)) walk(staged);
}

read_batch link_queue::state::read_tail(std::uint64_t offset, std::size_t bytes_max) {
  read_batch batch;
  batch.begin = batch.end = offset;
  if (failing) return batch;
  std::size_t size = 0;
  walk_tail(offset, [&](std::uint64_t at, bytes_view body) {
    size += body.size();
    if (!batch.records.empty() && size > bytes_max) return false;
    batch.records.push_back({at, body});
    batch.end = at + 1;
    return true;
  });
  shown_end = std::max(shown_end, batch.end);
  return batch;
}

read_batch link_queue::read(std::uint64_t offset, std::size_t bytes_max,
                            std::vector<damage>& found) {
  auto& s = *state_;
  offset = std::max(offset, s.mark.begin);
  if (offset >= s.committed.offset) return s.read_tail(std::min(offset, readable_end()), bytes_max);
  read_batch batch;
  std::vector<std::size_t> lengths;
  batch.begin = batch.end = offset;
  // The views outlive a move of the batch.
  batch.buffer.reserve(std::clamp(bytes_max, reserve_bytes_min, reserve_bytes_max));
  while (batch.end < s.committed.offset) {
    const auto index = s.index_of(batch.end);
    const auto end = s.end_of(index);
    auto next = segment_walker::outcome::end;
    if (const auto opened = s.bring(s.reader, index, batch.end))
      next = s.reader->peek(end, true);
    else if (opened.error().code != errc::not_found)
      next = segment_walker::outcome::unreadable;
    if (next == segment_walker::outcome::unreadable) {
      found.push_back({s.where->file_path(s.segments[index].header.number),
                       "cannot be read: tried again later", 0});
      break;
    }
    if (next == segment_walker::outcome::end) {
      s.report_lost(batch.end, end.offset, found);
      batch.end = end.offset;
      continue;
    }
    const auto& record = s.reader->current();
    const auto length = record.body.size();
    if (!batch.records.empty() && batch.buffer.size() + length > bytes_max) break;
    s.report_lost(batch.end, record.header.offset, found);
    batch.buffer += record.body;
    batch.records.push_back({record.header.offset, {}});
    lengths.push_back(length);
    batch.end = record.header.offset + 1;
    s.reader->pop();
  }
  bytes_view rest = batch.buffer;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    batch.records[i].body = rest.substr(0, lengths[i]);
    rest.remove_prefix(lengths[i]);
  }
  return batch;
}

std::uint64_t link_queue::body_bytes() const {
  const auto& s = *state_;
  if (s.mark.begin == s.committed.offset) return s.planned.body_bytes - s.committed.body_bytes;
  const auto& first = s.segments.front().header;
  auto released = first.body_bytes_before;
  if (s.mark.begin > first.first_offset && s.at_begin() != nullptr)
    released += s.front->body_bytes();
  return s.planned.body_bytes - released;
}

std::uint64_t link_queue::bytes_after(std::uint64_t offset) const {
  const auto& s = *state_;
  offset = std::max(offset, s.mark.begin);
  if (offset >= readable_end()) return 0;
  if (offset >= s.committed.offset) {
    std::uint64_t size = 0;
    s.walk_tail(offset, [&](std::uint64_t, bytes_view body) {
      size += body.size();
      return true;
    });
    return size;
  }
  const auto& header = s.segments[s.index_of(offset)].header;
  std::uint64_t known = 0;
  for (const auto* each : {s.reader.get(), s.front.get()}) {
    if (each != nullptr && each->number() == header.number && each->offset() <= offset)
      known = std::max(known, each->body_bytes());
  }
  return s.planned.body_bytes - header.body_bytes_before - known;
}

std::optional<stamp> link_queue::oldest() const {
  const auto& s = *state_;
  if (s.mark.begin == s.committed.offset) {
    if (s.out && !s.out->chunks.empty()) return stamp_of(s.out->first_captured_ms);
    if (!s.staged.empty()) return stamp_of(s.staged_captured_ms);
    return std::nullopt;
  }
  auto* const front = s.at_begin();
  if (front != nullptr && front->peek(s.end_of(0), false) == segment_walker::outcome::record)
    return stamp_of(front->current().header.captured_ms);
  return stamp_of(s.segments.front().header.first_captured_ms);
}

}  // namespace linkd::queue

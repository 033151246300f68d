#include "session/sender.hpp"

#include <algorithm>

namespace linkd::session {
namespace {

std::size_t credit_bytes(const wire::numbered_record& record) {
  return record.record.size() + record_credit_overhead_bytes;
}

}  // namespace

result<void> sender::start(const local_side& local, const wire::hello& peer) {
  window_bytes_ = static_cast<std::size_t>(
      std::min<std::uint64_t>(limits::inflight_bytes_max, peer.inflight_bytes_max));
  block_bytes_max_ =
      static_cast<std::size_t>(std::min<std::uint64_t>(
          std::clamp(local.frame_bytes_max, wire::frame_bytes_min, limits::frame_bytes_max),
          peer.frame_bytes_max)) -
      limits::frame_overhead_bytes;
  compress_ = local.compress && std::find(peer.features.begin(), peer.features.end(),
                                          wire::feature_zstd) != peer.features.end();
  queue_begin_ = std::max(queue_begin_, local.queue_begin);
  const bool knows_queue = peer.received.queue_id == local.queue_id;
  sent_ = knows_queue ? peer.received.offset : 0;
  sent_max_ = sent_;
  for (const auto& former : local.former_queue_ids) {
    // Under the new id the peer begins at 0; what it has is a hole.
    if (former.queue_id == peer.received.queue_id)
      queue_begin_ = std::max(queue_begin_, std::min(former.offset, peer.received.offset));
  }
  if (sent_ > local.queue_end)
    return error{errc::invalid, "the peer has received up to offset " + std::to_string(sent_) +
                                    " of our queue, which ends at " +
                                    std::to_string(local.queue_end) +
                                    ": our queue is older than it was"};
  return {};
}

std::uint64_t sender::position() const {
  return std::max(sent_, queue_begin_);
}

// One message larger than the window may travel alone.
bool sender::has_credit(std::size_t bytes) const {
  return inflight_bytes_ == 0 || inflight_bytes_ + bytes <= window_bytes_;
}

pull sender::want_data(std::size_t waiting_bytes, time_point oldest_wait, time_point now) {
  batch_due_.reset();
  const std::size_t batch_bytes = std::clamp<std::size_t>(window_bytes_, 1, limits::batch_bytes);
  // Not for every small acknowledgement a small batch.
  if (waiting_bytes == 0 || !has_credit(std::max(batch_bytes, needed_bytes_))) return {};
  if (!inflight_.empty() && waiting_bytes < batch_bytes) {
    const auto due = oldest_wait + limits::batch_delay;
    if (now < due) {
      batch_due_ = due;
      return {};
    }
  }
  return {position(), batch_bytes};
}

void sender::on_time(time_point now) {
  if (batch_due_ && now >= *batch_due_) batch_due_.reset();
}

std::optional<wire::data> sender::skip_hole() {
  if (sent_ == position()) return std::nullopt;
  wire::data hole;
  hole.begin = sent_;
  hole.end = position();
  mark_sent(hole.end, 0);
  return hole;
}

std::vector<wire::data> sender::make_data(std::uint64_t begin, std::uint64_t end,
                                          const std::vector<wire::numbered_record>& records,
                                          std::uint64_t now_ms) {
  std::vector<wire::data> out;
  if (begin != position() || begin >= end) return out;

  std::vector<wire::numbered_record> block;
  std::size_t block_bytes = 0, block_credit_bytes = 0;
  const auto close_block = [&](std::uint64_t block_end) {
    if (block_end <= sent_) return;
    out.push_back(make_block(block_end, block));
    mark_sent(block_end, block_credit_bytes);
    block.clear();
    block_bytes = block_credit_bytes = 0;
  };

  needed_bytes_ = 0;
  for (const auto& record : records) {
    const bool fits_empty_block =
        record.record.size() + wire::block_overhead_bytes_max <= block_bytes_max_;
    const std::size_t bytes = record.record.size() + wire::block_overhead_bytes_max;
    if (!fits_empty_block || block_bytes + bytes > block_bytes_max_) close_block(record.offset);
    const std::size_t open_bytes = inflight_bytes_ + block_credit_bytes;
    if (open_bytes != 0 && open_bytes + credit_bytes(record) > window_bytes_) {
      needed_bytes_ = credit_bytes(record);
      end = record.offset;
      break;
    }
    if (fits_empty_block) {
      block.push_back(record);
      block_bytes += bytes;
      block_credit_bytes += credit_bytes(record);
    } else {
      add_fragments(record, out);
      mark_sent(record.offset + 1, credit_bytes(record));
    }
  }
  close_block(end);
  for (auto& data : out) data.sent_at_ms = now_ms;
  return out;
}

wire::data sender::make_block(std::uint64_t end,
                              std::vector<wire::numbered_record>& records) const {
  wire::data out;
  out.begin = sent_;
  out.end = end;
  out.block = wire::encode_block(sent_, records);
  compress(out);
  return out;
}

void sender::add_fragments(const wire::numbered_record& record,
                           std::vector<wire::data>& out) const {
  const auto total = record.record.size();
  for (std::size_t at = 0; at < total; at += block_bytes_max_) {
    wire::data fragment;
    fragment.begin = record.offset;
    fragment.block = bytes(record.record.substr(at, block_bytes_max_));
    fragment.end = record.offset + (at + fragment.block.size() == total ? 1 : 0);
    fragment.fragment_offset = at;
    fragment.fragment_total_bytes = total;
    compress(fragment);
    out.push_back(std::move(fragment));
  }
}

void sender::compress(wire::data& data) const {
  data.block_bytes = static_cast<std::uint32_t>(data.block.size());
  if (!compress_ || data.block.empty()) return;
  if (auto smaller = wire::compress_block(data.block); !smaller.empty()) {
    data.block = std::move(smaller);
    data.compressed = true;
  }
}

void sender::mark_sent(std::uint64_t end, std::size_t credit_bytes) {
  inflight_.push_back({sent_, end, credit_bytes});
  sent_ = end;
  sent_max_ = std::max(sent_max_, end);
  inflight_bytes_ += credit_bytes;
}

result<std::optional<std::uint64_t>> sender::on_ack(const wire::ack& ack) {
  if (ack.delivered > sent_max_) return error{errc::invalid, "acknowledged what was never sent"};
  if (ack.resend_from && *ack.resend_from > sent_max_)
    return error{errc::invalid, "asked again for what was never sent"};
  std::optional<std::uint64_t> release;
  if (ack.delivered > acked_) {
    acked_ = ack.delivered;
    release = acked_;
    sent_ = std::max(sent_, acked_);
    while (!inflight_.empty() && inflight_.front().end <= acked_) {
      inflight_bytes_ -= inflight_.front().bytes;
      inflight_.pop_front();
    }
  }
  if (ack.resend_from && *ack.resend_from >= acked_ && *ack.resend_from < sent_)
    rewind(*ack.resend_from);
  return release;
}

// What straddles `offset` keeps its whole cost until it is acknowledged: the peer has a part of it.
void sender::rewind(std::uint64_t offset) {
  while (!inflight_.empty() && inflight_.back().begin >= offset) {
    inflight_bytes_ -= inflight_.back().bytes;
    inflight_.pop_back();
  }
  if (!inflight_.empty()) inflight_.back().end = std::min(inflight_.back().end, offset);
  sent_ = offset;
  needed_bytes_ = 0;
}

void sender::on_queue_begin(std::uint64_t begin) {
  queue_begin_ = std::max(queue_begin_, begin);
  needed_bytes_ = 0;
}

}  // namespace linkd::session

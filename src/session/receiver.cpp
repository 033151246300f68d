#include "session/receiver.hpp"

#include <algorithm>

#include "session/sender.hpp"

namespace linkd::session {
namespace {

constexpr std::size_t early_overhead_bytes = 128;  // of keeping one frame

std::size_t kept_bytes(const wire::data& data) {
  return data.block.size() + early_overhead_bytes;
}
bool is_fragment(const wire::data& data) {
  return data.fragment_total_bytes != 0;
}

}  // namespace

result<void> receiver::start(const local_side& local, const wire::hello& peer, time_point now,
                             std::vector<effect>& out) {
  started_ = true;
  message_bytes_max_ = local.message_bytes_max;
  retry_interval_ = local.retry_interval;
  if (peer.queue_id == local.received.queue_id) position_ = local.received.offset;
  return advance(std::nullopt, now, out);
}

result<void> receiver::on_data(wire::data data, time_point now, std::vector<effect>& out) {
  if (started_ && is_next(data)) return advance(std::move(data), now, out);
  hold(std::move(data));
  if (started_) watch(false, now);
  return {};
}

bool receiver::is_stale(const wire::data& data) const {
  return is_fragment(data) ? data.begin < position_ : data.end <= position_;
}

// Or stale.
bool receiver::is_next(const wire::data& data) const {
  if (data.begin != position_ || !is_fragment(data)) return data.begin <= position_;
  return data.fragment_offset <= assembly_.size();
}

// Without room the frame is dropped; it will be asked for again.
void receiver::hold(wire::data data) {
  sent_ = std::max(sent_, is_fragment(data) ? data.begin + 1 : data.end);
  const auto bytes = kept_bytes(data);
  if (early_bytes_ + bytes > limits::inflight_bytes_max) return;
  const auto key = std::pair(data.begin, data.fragment_offset);
  if (early_.emplace(key, std::move(data)).second) early_bytes_ += bytes;
}

result<void> receiver::advance(std::optional<wire::data> next, time_point now,
                               std::vector<effect>& out) {
  const auto position_before = position_;
  const auto assembly_before = assembly_.size();
  result<void> done;
  if (next) done = apply(std::move(*next), out);
  while (done.has_value() && !early_.empty() && is_next(early_.begin()->second)) {
    auto first = early_.extract(early_.begin());
    early_bytes_ -= kept_bytes(first.mapped());
    done = apply(std::move(first.mapped()), out);
  }
  if (position_ != position_before) out.push_back(received_up_to{position_});
  watch(position_ != position_before || assembly_.size() != assembly_before, now);
  return done;
}

result<void> receiver::apply(wire::data data, std::vector<effect>& out) {
  if (is_stale(data)) return {};
  bytes block = std::move(data.block);
  if (data.compressed) {
    auto whole = wire::decompress_block(block, data.block_bytes);
    if (whole.has_error()) return whole.error();
    block = std::move(*whole);
  }
  return is_fragment(data) ? apply_fragment(data, block, out)
                           : apply_block(data, std::move(block), out);
}

// All of the block or, on an error, nothing.
result<void> receiver::apply_block(const wire::data& data, bytes block, std::vector<effect>& out) {
  deliver what{std::make_shared<const bytes>(std::move(block)), {}, data.sent_at_ms};
  auto records = wire::decode_block(data.begin, data.end, *what.block);
  if (records.has_error()) return records.error();
  what.records = std::move(*records);
  std::erase_if(what.records, [&](const auto& each) { return each.offset < position_; });
  std::size_t bytes = 0;
  for (const auto& each : what.records) {
    if (each.record.size() > message_bytes_max_)
      return error{errc::too_large, "a record larger than we accept"};
    bytes += each.record.size() + record_credit_overhead_bytes;
  }
  if (const auto checked = check_credit(bytes); checked.has_error()) return checked.error();
  if (!what.records.empty()) take(std::move(what), out);
  position_ = data.end;
  assembly_.clear();
  return {};
}

result<void> receiver::apply_fragment(const wire::data& data, bytes_view block,
                                      std::vector<effect>& out) {
  const auto total = data.fragment_total_bytes;
  if (total > message_bytes_max_) return error{errc::too_large, "a record larger than we accept"};
  if (assembly_.empty()) assembly_total_bytes_ = total;
  if (assembly_total_bytes_ != total)
    return error{errc::corrupt, "fragments that do not belong together"};
  const auto known = assembly_.size() - data.fragment_offset;
  if (known < block.size()) assembly_ += block.substr(known);
  if (assembly_.size() < total) return {};
  if (const auto checked = check_credit(total + record_credit_overhead_bytes); checked.has_error())
    return checked.error();
  deliver what{std::make_shared<const bytes>(std::exchange(assembly_, {})), {}, data.sent_at_ms};
  what.records.push_back({position_, *what.block});
  take(std::move(what), out);
  ++position_;
  return {};
}

result<void> receiver::check_credit(std::size_t bytes) const {
  if (in_hand_bytes_ == 0 || in_hand_bytes_ + bytes <= limits::inflight_bytes_max) return {};
  return error{errc::too_large, "more than we gave credit for"};
}

void receiver::take(deliver what, std::vector<effect>& out) {
  for (const auto& each : what.records) {
    const auto bytes = each.record.size() + record_credit_overhead_bytes;
    in_hand_.push_back({each.offset, bytes});
    in_hand_bytes_ += bytes;
  }
  out.emplace_back(std::move(what));
}

void receiver::on_sent_offset(std::uint64_t offset, time_point now) {
  sent_ = std::max(sent_, offset);
  watch(false, now);
}

bool receiver::on_delivered(std::uint64_t offset) {
  offset = std::min(offset, position_);
  if (offset <= delivered_) return false;
  delivered_ = offset;
  while (!in_hand_.empty() && in_hand_.front().offset < delivered_) {
    in_hand_bytes_ -= in_hand_.front().bytes;
    in_hand_.pop_front();
  }
  return true;
}

void receiver::watch(bool progress, time_point now) {
  if (position_ >= sent_) {
    behind_since_.reset();
  } else if (progress || !behind_since_) {
    behind_since_ = now;
  }
}

// Everything from position_ on comes again: what came early need not be kept.
bool receiver::on_time(time_point now) {
  if (!behind_since_ || now - *behind_since_ < retry_interval_) return false;
  behind_since_ = now;
  early_.clear();
  early_bytes_ = 0;
  return true;
}

std::optional<time_point> receiver::deadline() const {
  if (!behind_since_) return std::nullopt;
  return *behind_since_ + retry_interval_;
}

}  // namespace linkd::session

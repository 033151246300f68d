#include "session/announcer.hpp"

#include <algorithm>
#include <utility>

#include "mqtt_linkd/limits.hpp"

namespace linkd::session {
namespace {

constexpr std::size_t chunk_bytes = 512u << 10;
constexpr std::size_t filter_overhead_bytes = 4;  // tag and length, topic_bytes_max at most
// A peer may need this long to take a large snapshot: no other one before.
constexpr auto snapshot_interval = 3 * limits::heartbeat_interval;

std::size_t encoded_bytes(const std::string& filter) {
  return filter.size() + filter_overhead_bytes;
}

}  // namespace

result<std::vector<wire::frame_body>> announcer::start(std::size_t frame_bytes_max,
                                                       time_point now) {
  chunk_bytes_max_ = std::min(chunk_bytes, frame_bytes_max - limits::frame_overhead_bytes);
  return snapshot(now);
}

result<std::vector<wire::frame_body>> announcer::snapshot(time_point now) {
  const auto digest = announced_.current();
  std::vector<wire::frame_body> out{wire::interest_begin{digest.version}};
  wire::interest_items chunk;
  std::size_t chunk_bytes_used = 0;
  const auto close_chunk = [&] {
    if (!chunk.filters.empty()) out.emplace_back(std::exchange(chunk, {}));
    chunk_bytes_used = 0;
  };
  for (const auto& filter : announced_.filters()) {
    const auto bytes = encoded_bytes(filter);
    if (bytes > chunk_bytes_max_)
      return error{errc::too_large, "a filter of " + std::to_string(filter.size()) +
                                        " bytes does not fit into a frame of this path"};
    if (chunk_bytes_used + bytes > chunk_bytes_max_ ||
        chunk.filters.size() == wire::filters_per_frame_max)
      close_chunk();
    chunk.filters.push_back(filter);
    chunk_bytes_used += bytes;
  }
  close_chunk();
  out.emplace_back(wire::interest_end{digest.count, digest.hash});
  snapshot_at_ = now;
  return out;
}

result<std::vector<wire::frame_body>> announcer::on_change(const interest::change& change,
                                                           time_point now) {
  std::size_t bytes = 0;
  for (const auto& filter : change.added) bytes += encoded_bytes(filter);
  for (const auto& filter : change.removed) bytes += encoded_bytes(filter);
  if (bytes > chunk_bytes_max_ ||
      change.added.size() + change.removed.size() > wire::filters_per_frame_max)
    return snapshot(now);
  return std::vector<wire::frame_body>{
      wire::interest_delta{change.version, change.added, change.removed}};
}

// An older version is no news while our last changes are on their way: only what the peer should
// have had since its last heartbeat counts.
result<std::vector<wire::frame_body>> announcer::on_ping(const wire::ping& ping, time_point now) {
  const auto ours = announced_.current();
  const auto expected = std::exchange(version_at_last_ping_, ours.version);
  const interest::digest theirs{ping.view_version, ping.view_count, ping.view_hash};
  const bool differs = theirs.version == ours.version
                           ? theirs != ours
                           : theirs.version > ours.version || theirs.version < expected;
  if (!differs || now - snapshot_at_ < snapshot_interval) return std::vector<wire::frame_body>{};
  return snapshot(now);
}

}  // namespace linkd::session

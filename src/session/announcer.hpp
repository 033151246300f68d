#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "interest/announcement.hpp"
#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/time.hpp"
#include "wire/frame.hpp"

namespace linkd::session {

// Our interest on its way to the peer: snapshot, deltas, and another snapshot when the peer's
// heartbeat shows that it has something else (wire/PROTOCOL.md, "Interest"). Part of a
// link_session.
class announcer {
 public:
  explicit announcer(const interest::announcement& announced) : announced_(announced) {}

  // The frames to send. errc::too_large: a filter does not fit into a frame of this path.
  result<std::vector<wire::frame_body>> start(std::size_t frame_bytes_max, time_point now);
  result<std::vector<wire::frame_body>> on_change(const interest::change& change, time_point now);
  result<std::vector<wire::frame_body>> on_ping(const wire::ping& ping, time_point now);

 private:
  result<std::vector<wire::frame_body>> snapshot(time_point now);

  const interest::announcement& announced_;
  std::size_t chunk_bytes_max_ = 0;
  time_point snapshot_at_;
  std::uint64_t version_at_last_ping_ = 0;
};

}  // namespace linkd::session

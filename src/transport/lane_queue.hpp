#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <utility>

#include "mqtt_linkd/limits.hpp"
#include "mqtt_linkd/ports/transport.hpp"

namespace linkd::transport {

// A path may hold this much that waits: the caller bounds DATA, but a whole interest snapshot may
// be sent at once.
inline constexpr std::size_t waiting_bytes_max =
    limits::filter_bytes_per_peer_max + 2 * limits::path_unsent_bytes_max;

// The frames of one path that wait for their turn, in order within each lane.
class lane_queue {
 public:
  void push(bytes frame, path::lane lane) {
    size_bytes_ += frame.size();
    of(lane).push_back(std::move(frame));
  }
  [[nodiscard]] bool empty(path::lane lane) const { return of(lane).empty(); }
  [[nodiscard]] bool empty() const { return empty(path::lane::control) && empty(path::lane::data); }
  // Only if not empty.
  bytes pop(path::lane lane) {
    bytes frame = std::move(of(lane).front());
    of(lane).pop_front();
    size_bytes_ -= frame.size();
    return frame;
  }
  [[nodiscard]] std::size_t size_bytes() const { return size_bytes_; }

 private:
  std::deque<bytes>& of(path::lane lane) { return lanes_[lane == path::lane::data ? 1 : 0]; }
  [[nodiscard]] const std::deque<bytes>& of(path::lane lane) const {
    return lanes_[lane == path::lane::data ? 1 : 0];
  }

  std::array<std::deque<bytes>, 2> lanes_;
  std::size_t size_bytes_ = 0;
};

}  // namespace linkd::transport

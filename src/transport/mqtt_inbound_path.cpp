#include "transport/mqtt_inbound_path.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "mqtt_linkd/limits.hpp"

namespace linkd::transport {
namespace {

// Between on_inbound() and start() there is a turn of the loop at most.
constexpr std::size_t arrived_frames_max = 64;

}  // namespace

mqtt_inbound_path::mqtt_inbound_path(boost::asio::io_context& io, inbound_carrier& carrier,
                                     path_stream stream, std::size_t frame_bytes_max,
                                     std::string description)
    : io_(io),
      carrier_(&carrier),
      stream_(std::move(stream)),
      frame_bytes_max_(frame_bytes_max),
      description_(std::move(description)) {}

mqtt_inbound_path::~mqtt_inbound_path() {
  if (carrier_ != nullptr) carrier_->on_inbound_closed(*this);
}

void mqtt_inbound_path::start(path_events& events) {
  events_ = &events;
  boost::asio::post(io_, [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) flow();
  });
}

void mqtt_inbound_path::flow() {
  const std::weak_ptr alive(alive_);
  events_->on_path_up(frame_bytes_max_);
  while (!alive.expired() && !arrived_.empty()) {
    const bytes frame = std::move(arrived_.front());
    arrived_.pop_front();
    events_->on_frame(frame);
  }
  if (alive.expired()) return;
  flowing_ = true;
  if (failed_) events_->on_path_down(*failed_);
}

bool mqtt_inbound_path::receive(bytes_view frame) {
  if (flowing_) {
    events_->on_frame(bytes(frame));
    return true;
  }
  if (arrived_.size() == arrived_frames_max) return false;
  arrived_.emplace_back(frame);
  return true;
}

void mqtt_inbound_path::send(bytes frame, lane which) {
  if (carrier_ == nullptr) return;
  waiting_.push(std::move(frame), which);
  if (waiting_.size_bytes() > waiting_bytes_max) {
    return fail_later({errc::unavailable, "our broker does not take our frames"});
  }
  carrier_->on_frames_waiting();
}

std::size_t mqtt_inbound_path::unsent_bytes() const {
  return waiting_.size_bytes() + unacknowledged_bytes_;
}

std::optional<mqtt_inbound_path::payload> mqtt_inbound_path::take_payload() {
  for (const lane which : {lane::control, lane::data}) {
    if (waiting_.empty(which)) continue;
    const bytes frame = waiting_.pop(which);
    unacknowledged_bytes_ += frame.size();
    return payload{stream_.seal(frame), frame.size()};
  }
  return std::nullopt;
}

void mqtt_inbound_path::on_acknowledged(std::size_t frame_bytes) {
  unacknowledged_bytes_ -= frame_bytes;
  if (flowing_) events_->on_path_room();
}

void mqtt_inbound_path::fail(const error& reason) {
  carrier_ = nullptr;
  failed_ = reason;
  if (flowing_) events_->on_path_down(reason);
}

void mqtt_inbound_path::fail_later(error reason) {
  std::exchange(carrier_, nullptr)->on_inbound_closed(*this);
  boost::asio::post(io_, [this, alive = std::weak_ptr(alive_), reason = std::move(reason)] {
    if (!alive.expired()) fail(reason);
  });
}

}  // namespace linkd::transport

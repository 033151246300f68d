#include "transport/ws_path.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "mqtt_linkd/limits.hpp"

namespace linkd::transport {

ws_path::ws_path(boost::asio::io_context& io, std::unique_ptr<ws_connection> connection,
                 bytes first_frame, std::string description, std::function<void()> closed)
    : io_(io),
      connection_(std::move(connection)),
      first_frame_(std::move(first_frame)),
      description_(std::move(description)),
      closed_(std::move(closed)) {}

ws_path::~ws_path() {
  closed_();
}

void ws_path::start(path_events& events) {
  events_ = &events;
  boost::asio::post(io_, [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) become_up();
  });
}

void ws_path::become_up() {
  if (!connection_) return;
  const auto alive = std::weak_ptr(alive_);
  events_->on_path_up(limits::frame_bytes_max);
  if (!alive.expired()) events_->on_frame(std::move(first_frame_));
  if (!alive.expired() && connection_) connection_->start(*this);
}

void ws_path::send(bytes frame, lane which) {
  if (connection_) connection_->send(std::move(frame), which);
}

std::size_t ws_path::unsent_bytes() const {
  return connection_ ? connection_->unsent_bytes() : 0;
}

void ws_path::end(const error& reason) {
  connection_.reset();
  if (events_) std::exchange(events_, nullptr)->on_path_down(reason);
}

}  // namespace linkd::transport

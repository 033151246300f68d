// How a connection ends, and what is said about it.
#include <utility>

#include "mqtt/drain.hpp"
#include "mqtt/native/connection.hpp"

namespace linkd::mqtt {

end_of_connection native_client::connection::end_by(const native::io_outcome& how) const {
  using kind = native::io_outcome::kind;
  const bool tls = how.what == kind::tls_failed;
  if (state_ == state::securing || (tls && !protocol_.is_up())) {
    return {end_kind::unreachable, 0, {tls ? errc::permission : errc::io, "tls: " + how.why}};
  }
  if (!protocol_.is_up()) {
    return {end_kind::no_connack, 0, {errc::io, "closed before CONNACK: " + how.why}};
  }
  if (tls) return {end_kind::failed, 0, {errc::io, "tls: " + how.why}};
  if (how.what == kind::silent) {
    return {end_kind::timed_out, 0, {errc::io, "no answer: " + how.why}};
  }
  return {end_kind::by_peer, 0, {errc::io, "connection closed: " + how.why}};
}

void native_client::connection::finish(end_of_connection end) {
  end.reason.text = to_string(settings_.server) + ": " + end.reason.text;
  client_events* told = std::exchange(events_, nullptr);
  close();
  if (told) told->on_closed(end);
}

void native_client::connection::close() {
  state_ = state::closed;
  timer_.cancel();
  dialling_.reset();
  boost::system::error_code ignored;
  if (stream_) stream_->socket().close(ignored);
}

void native_client::connection::abandon() {
  events_ = nullptr;
  if (state_ != state::closed) close();
}

void native_client::connection::disconnect() {
  // Whatever is written now carries the PUBACKs of messages nobody has stored yet along.
  if (!protocol_.is_up() || state_ != state::open || held_ || undelivered_ > 0) return abandon();
  events_ = nullptr;
  protocol_.disconnect();
  if (!write_output()) return abandon();
  state_ = state::closed;
  stream_->end_writing();
  // The broker closes when it has read everything, or we do in a while.
  timer_.expires_after(linger_time);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
    if (!cancelled) self->close();
  });
  drain(stream_->socket(), [self = shared_from_this()] { self->close(); });
}

}  // namespace linkd::mqtt

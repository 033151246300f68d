// How a connection ends, and what is said about it.
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "mqtt/native/connection.hpp"

namespace linkd::mqtt {

namespace {

constexpr seconds linger_time{2};

}  // namespace

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
  // Closing with unread input would send RST, and the broker would throw away what it has not read
  // yet: our last PUBACKs. So wait until it closes, for a while.
  timer_.expires_after(linger_time);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
    if (!cancelled) self->close();
  });
  drain();
}

void native_client::connection::drain() {
  stream_->socket().async_wait(native::stream::socket_type::wait_read,
                               [self = shared_from_this()](boost::system::error_code failed) {
                                 if (failed) return;
                                 std::array<char, 4096> unread{};
                                 const auto got =
                                     ::recv(self->stream_->socket().native_handle(), unread.data(),
                                            unread.size(), MSG_DONTWAIT);
                                 if (got > 0 || (got < 0 && errno == EAGAIN)) return self->drain();
                                 self->close();
                               });
}

}  // namespace linkd::mqtt

// How a connection ends, and what is said about it.
#include <sys/socket.h>

#include <utility>

#include "mqtt/drain.hpp"
#include "mqtt/libmosquitto/connection.hpp"
#include "net/tls_context.hpp"

namespace linkd::mqtt {

end_of_connection libmosquitto_client::connection::end_by(int library_code, int system_code) const {
  const std::string server = to_string(settings_.server) + ": ";
  if (refused_) {
    return {end_kind::refused,
            *refused_,
            {errc::refused, server + "refused, " + mosquitto_reason_string(*refused_)}};
  }
  const std::string what = describe(library_code, system_code);
  if (state_ == state::handshake) {
    if (library_code == MOSQ_ERR_TLS) {
      const std::string why = net::take_verification_failure();
      return {end_kind::unreachable,
              0,
              {errc::permission, server + "tls: " + (why.empty() ? tls_error_ : why)}};
    }
    const std::string why = tls_error_.empty() ? what : tls_error_;
    return {end_kind::no_connack, 0, {errc::io, server + "closed before CONNACK: " + why}};
  }
  if (library_code == MOSQ_ERR_SUCCESS) {
    const auto code = static_cast<std::uint8_t>(disconnected_.value_or(0));
    const std::string why = code == 0 ? "normal disconnection" : mosquitto_reason_string(code);
    return {end_kind::by_peer, code, {errc::io, server + "disconnected by the broker, " + why}};
  }
  const bool silent = system_code == ETIMEDOUT || system_code == EHOSTUNREACH;
  if (library_code == MOSQ_ERR_KEEPALIVE || (library_code == MOSQ_ERR_ERRNO && silent)) {
    return {end_kind::timed_out, 0, {errc::io, server + "no answer: " + what}};
  }
  if (library_code == MOSQ_ERR_CONN_LOST || library_code == MOSQ_ERR_ERRNO) {
    return {end_kind::by_peer, 0, {errc::io, server + "connection closed: " + what}};
  }
  return {end_kind::failed, 0, {errc::io, server + what}};
}

void libmosquitto_client::connection::finish(const end_of_connection& end) {
  client_events* told = std::exchange(events_, nullptr);
  close();
  if (told) told->on_closed(end);
}

void libmosquitto_client::connection::close() {
  state_ = state::closed;
  {
    std::lock_guard lock(mailbox_->guard);
    mailbox_->io = nullptr;
  }
  timer_.cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
  object_.reset();
}

void libmosquitto_client::connection::abandon() {
  events_ = nullptr;
  if (state_ != state::closed) close();
}

void libmosquitto_client::connection::disconnect() {
  // Whatever is written now carries the PUBACKs of messages nobody has stored yet along.
  if (state_ != state::up || held_ || undelivered_ > 0) return abandon();
  events_ = nullptr;
  state_ = state::closed;
  mosquitto_disconnect_v5(object_.get(), 0, nullptr);
  mosquitto_loop_write(object_.get(), 1);
  object_.reset();
  // The broker closes when it has read everything, or we do in a while.
  ::shutdown(socket_.native_handle(), SHUT_WR);
  timer_.expires_after(linger_time);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
    boost::system::error_code ignored;
    if (!cancelled) self->socket_.close(ignored);
  });
  drain(socket_, [self = shared_from_this()] { self->close(); });
}

}  // namespace linkd::mqtt

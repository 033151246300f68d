#pragma once

#include <sys/socket.h>

#include <array>
#include <boost/system/error_code.hpp>
#include <cerrno>

#include "mqtt_linkd/time.hpp"

namespace linkd::mqtt {

// As long a client that disconnects waits for the broker to close.
inline constexpr seconds linger_time{2};

// Closing with unread input would send RST, and the broker would throw away what it has not read
// yet: our last PUBACKs. So what comes is read and forgotten until the broker closes; then `closed`
// is called. It keeps `socket` alive; nothing follows once the socket is closed here.
template <class Socket, class Closed>
void drain(Socket& socket, Closed closed) {
  socket.async_wait(Socket::wait_read, [&socket, closed](boost::system::error_code failed) {
    if (failed) return;
    std::array<char, 4096> unread{};
    const auto got = ::recv(socket.native_handle(), unread.data(), unread.size(), MSG_DONTWAIT);
    if (got > 0 || (got < 0 && errno == EAGAIN)) return drain(socket, closed);
    closed();
  });
}

}  // namespace linkd::mqtt

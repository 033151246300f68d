#pragma once

#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <cstddef>
#include <memory>

#include "mqtt_linkd/ports/transport.hpp"

namespace linkd::transport {

inline constexpr const char* ws_subprotocol = "mqtt-linkd.v1";

using plain_stream = boost::beast::websocket::stream<boost::beast::tcp_stream>;
using tls_stream =
    boost::beast::websocket::stream<boost::asio::ssl::stream<boost::beast::tcp_stream>>;

// Called from the io_context, never from inside a call of the connection, which may be destroyed in
// any of them.
class ws_connection_events {
 public:
  virtual ~ws_connection_events() = default;
  virtual void on_message(bytes frame) = 0;
  virtual void on_written() = 0;                    // unsent_bytes() went down
  virtual void on_closed(const error& reason) = 0;  // the last event
};

// A WebSocket connection (RFC 6455) after its handshakes, either side of it: one frame a binary
// message, control frames before DATA. One thread.
class ws_connection {
 public:
  // Writes what waits and closes in good order, in the background and for a bounded time; no event
  // follows.
  virtual ~ws_connection() = default;
  // Begins to read, and to tell events. Once.
  virtual void start(ws_connection_events& events) = 0;
  virtual void send(bytes frame, path::lane which) = 0;
  // Given to send() and not yet to the network.
  [[nodiscard]] virtual std::size_t unsent_bytes() const = 0;
};

std::unique_ptr<ws_connection> make_ws_connection(std::unique_ptr<plain_stream> stream);
std::unique_ptr<ws_connection> make_ws_connection(std::unique_ptr<tls_stream> stream);

}  // namespace linkd::transport

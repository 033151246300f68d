#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <memory>
#include <string>

#include "mqtt_linkd/bytes.hpp"
#include "net/tls_context.hpp"

namespace linkd::mqtt::native {

// How one call went.
struct io_outcome {
  enum class kind {
    done,           // with `size`, at least 1 unless it was a handshake
    wait_readable,  // again when the socket is readable
    wait_writable,  // again when it is writable
    closed,         // by the other side or a failure of the network
    silent,         // the system has given the other side up
    tls_failed      // TLS, or the certificate, is not as it must be
  } what = kind::done;
  std::size_t size = 0;
  std::string why;  // of the last three
};

// A connected socket, TCP or Unix, with or without TLS. No call blocks; who has to wait does so on
// the socket.
class stream {
 public:
  using socket_type = boost::asio::generic::stream_protocol::socket;

  explicit stream(socket_type socket) : socket_(std::move(socket)) {}
  virtual ~stream() = default;

  socket_type& socket() { return socket_; }
  // Before anything is read or written.
  virtual io_outcome handshake() = 0;
  virtual io_outcome read(char* to, std::size_t size) = 0;
  virtual io_outcome write(bytes_view what) = 0;
  // There is something to read() of which the socket will not tell.
  [[nodiscard]] virtual bool pending() const = 0;
  // We write no more: as far as that can be said at once.
  virtual void end_writing() = 0;

 protected:
  socket_type socket_;
};

std::unique_ptr<stream> make_plain_stream(stream::socket_type socket);
// nullptr: no memory.
std::unique_ptr<stream> make_tls_stream(stream::socket_type socket,
                                        const net::tls_context& context);

}  // namespace linkd::mqtt::native

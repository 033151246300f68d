#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "admin/http.hpp"
#include "mqtt_linkd/ports/log.hpp"
#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"
#include "mqtt_linkd/time.hpp"

namespace linkd::admin {

struct http_limits {
  std::size_t header_bytes_max = 8u << 10;
  std::size_t body_bytes_max = 64u << 10;
  std::size_t connections_max = 64;
  milliseconds header_timeout{5'000};  // also for the first byte of a new connection
  milliseconds body_timeout{10'000};
  milliseconds write_timeout{10'000};
  milliseconds idle_timeout{30'000};  // between two requests
  std::size_t streams_max = 16;       // of events, at once
  milliseconds event_interval{1'000};
  milliseconds later_timeout{300'000};  // a later_response has to be there
};

// An HTTP/1.1 server on the io_context: it reads requests within its limits and writes what the
// handler answers, at once, later or as a stream of events. When connections_max are open, a new
// one takes the place of that which has waited longest for a request to be complete. Everything on
// the io_context's thread.
class http_server {
 public:
  using handler = std::function<http_answer(const http_request&, const caller&)>;

  // `log` must outlive the server.
  http_server(boost::asio::io_context& io, handler handle, logger& log, http_limits limits = {});
  // Closes all connections; the handler is not called again. A unix socket is removed.
  ~http_server();
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  // Once. http://NAME is looked up and may block. A unix socket that a dead process left behind is
  // replaced; its mode is 0660. errc::io with what the operating system says.
  result<void> listen(const server_address& address);

  // The port in use (of tests: settings said 0); 0 for a unix socket.
  [[nodiscard]] std::uint16_t port() const;

 private:
  class server;
  std::shared_ptr<server> server_;
};

}  // namespace linkd::admin

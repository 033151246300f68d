#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mqtt_linkd/ports/log.hpp"
#include "mqtt_linkd/ports/transport.hpp"

namespace linkd::transport {

// Listens for peers that dial us directly (WS.md) and lets in those that a link's `accept` knows.
// One thread.
class ws_acceptor {
 public:
  // `io` and `log` must outlive the acceptor.
  ws_acceptor(boost::asio::io_context& io, const daemon_settings& us, logger& log);
  // Accepted paths may outlive it.
  ~ws_acceptor();
  ws_acceptor(const ws_acceptor&) = delete;
  ws_acceptor& operator=(const ws_acceptor&) = delete;

  // The links as they are from now on; reads our certificate again for the connections to come. If
  // it cannot be used the old one stays, and the log says so.
  void configure(const std::vector<link_settings>& links);
  // Begins to listen on `us.listen`, which must be set. Once; after configure(). errc::io: the
  // address is taken or not ours; errc::invalid: our certificate cannot be used.
  result<void> start(acceptor_events& events);

  // Where it listens: the configured port, or the one the system chose for port 0.
  [[nodiscard]] std::uint16_t port() const;
  // Attempts turned away since the start, whatever the reason.
  [[nodiscard]] std::uint64_t refused_total() const;

 private:
  class listener;
  std::shared_ptr<listener> listener_;
};

}  // namespace linkd::transport

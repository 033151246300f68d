#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "mqtt_linkd/ports/log.hpp"
#include "mqtt_linkd/ports/transport.hpp"

namespace linkd::transport {

// Dials a peer's daemon directly (WS.md). Certificates and passwords are read at every attempt. One
// thread; outlives its paths.
class ws_dialer : public dialer {
 public:
  // `io` must outlive the dialer.
  ws_dialer(boost::asio::io_context& io, std::string deployment);

  // For servers of scheme ws or wss.
  std::unique_ptr<path> dial(const link_settings& link, const server_address& server) override;

 private:
  boost::asio::io_context& io_;
  std::string deployment_;
};

}  // namespace linkd::transport

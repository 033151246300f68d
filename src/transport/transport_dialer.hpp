#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "mqtt_linkd/ports/transport.hpp"
#include "transport/mqtt_dialer.hpp"

namespace linkd::transport {

// Chooses the transport by the scheme of the server. One thread; outlives its paths.
class transport_dialer : public dialer {
 public:
  // Both must outlive this.
  transport_dialer(boost::asio::io_context& io, mqtt_dialer& mqtt) : io_(io), mqtt_(mqtt) {}
  std::unique_ptr<path> dial(const link_settings& link, const server_address& server) override;

 private:
  boost::asio::io_context& io_;
  mqtt_dialer& mqtt_;
};

}  // namespace linkd::transport

#pragma once

#include <memory>

#include "transport/mqtt_dialer.hpp"
#include "transport/ws_dialer.hpp"

namespace linkd::transport {

// Chooses the transport by the scheme of the server. One thread; outlives its paths.
class transport_dialer : public dialer {
 public:
  // Both must outlive this.
  transport_dialer(mqtt_dialer& mqtt, ws_dialer& ws) : mqtt_(mqtt), ws_(ws) {}
  std::unique_ptr<path> dial(const link_settings& link, const server_address& server) override;

 private:
  mqtt_dialer& mqtt_;
  ws_dialer& ws_;
};

}  // namespace linkd::transport

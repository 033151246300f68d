#include "transport/transport_dialer.hpp"

namespace linkd::transport {

std::unique_ptr<path> transport_dialer::dial(const link_settings& link,
                                             const server_address& server) {
  const bool direct = server.scheme == scheme::ws || server.scheme == scheme::wss;
  return direct ? ws_.dial(link, server) : mqtt_.dial(link, server);
}

}  // namespace linkd::transport

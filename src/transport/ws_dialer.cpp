#include "transport/ws_dialer.hpp"

#include <utility>

#include "transport/ws_dialled_path.hpp"

namespace linkd::transport {

ws_dialer::ws_dialer(boost::asio::io_context& io, std::string deployment)
    : io_(io), deployment_(std::move(deployment)) {}

std::unique_ptr<path> ws_dialer::dial(const link_settings& link, const server_address& server) {
  return std::make_unique<ws_dialled_path>(io_, deployment_, link, server);
}

}  // namespace linkd::transport

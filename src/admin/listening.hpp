#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <memory>
#include <string>

#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::admin {

// errc::io with what the operating system says. A host name is looked up and may block.
result<std::shared_ptr<boost::asio::ip::tcp::acceptor>> listen_tcp(boost::asio::io_context& io,
                                                                   const server_address& address);
// With mode 0660. A socket that a dead process left behind is replaced.
result<std::shared_ptr<boost::asio::local::stream_protocol::acceptor>> listen_unix(
    boost::asio::io_context& io, const std::string& path);

}  // namespace linkd::admin

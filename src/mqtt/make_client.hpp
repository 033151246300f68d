#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "mqtt/client.hpp"

namespace linkd::mqtt {

// `io` must outlive the client and run on one thread, which makes every call of it.
std::unique_ptr<client> make_client(broker_client which, boost::asio::io_context& io,
                                    client_settings settings);

}  // namespace linkd::mqtt

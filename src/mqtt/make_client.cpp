#include "mqtt/make_client.hpp"

#include <utility>

#include "mqtt/libmosquitto/client.hpp"
#include "mqtt/native/client.hpp"

namespace linkd::mqtt {

std::unique_ptr<client> make_client(broker_client which, boost::asio::io_context& io,
                                    client_settings settings) {
  if (which == broker_client::native) {
    return std::make_unique<native_client>(io, std::move(settings));
  }
  return std::make_unique<libmosquitto_client>(io, std::move(settings));
}

}  // namespace linkd::mqtt

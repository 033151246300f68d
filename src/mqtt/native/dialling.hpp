#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "mqtt/native/stream.hpp"
#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::mqtt::native {

// The way to a server, once: name look-up and TCP, the first few addresses in turn, or a Unix
// socket. Without a timeout for the whole: the owner gives up.
class dialling {
 public:
  // A socket that is connected and does not block.
  using callback = std::function<void(result<stream::socket_type>)>;

  // `done` is called once, never from inside this; it may destroy the object.
  dialling(boost::asio::io_context& io, const server_address& server, callback done);
  ~dialling();  // gives up: `done` is not called any more
  dialling(const dialling&) = delete;
  dialling& operator=(const dialling&) = delete;

 private:
  class attempt;
  std::shared_ptr<attempt> attempt_;
};

}  // namespace linkd::mqtt::native

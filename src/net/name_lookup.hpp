#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mqtt_linkd/result.hpp"

namespace linkd::net {

// One look-up of a host name by getaddrinfo(3), on a thread of its own: a name server that does not
// answer holds up neither the io_context, nor another look-up, nor the end of the process.
class name_lookup {
 public:
  using endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  // At least one, in the order of preference (RFC 6724).
  using callback = std::function<void(result<endpoints>)>;

  // `done` is called once on the thread of `io`, never from inside this.
  name_lookup(boost::asio::io_context& io, const std::string& host, std::uint16_t port,
              callback done);
  ~name_lookup();  // gives up: `done` is not called any more
  name_lookup(const name_lookup&) = delete;
  name_lookup& operator=(const name_lookup&) = delete;

 private:
  struct shared;
  std::shared_ptr<shared> shared_;
};

}  // namespace linkd::net

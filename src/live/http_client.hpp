#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::live {

struct http_answer {
  unsigned status = 0;
  std::string body;
};

// GET requests to one HTTP server, one at a time over one connection that is kept open (HTTP/1.1,
// RFC 9112). Basic authentication (RFC 7617); a password file is read for every request. A request
// ends within 30 s, an answer has at most 64 MiB.
class http_client {
 public:
  using callback = std::function<void(result<http_answer>)>;

  // `server`: scheme http.
  http_client(boost::asio::io_context& io, server_address server, credentials login);
  ~http_client();  // `done` of a request under way is not called any more
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  // Only when no request is under way. `done` is called once, on the main thread, never from inside
  // this: any status is an answer, errc::io and errc::permission (the password file) are none.
  void get(std::string target, callback done);

 private:
  class session;
  std::shared_ptr<session> session_;
};

}  // namespace linkd::live

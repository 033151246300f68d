#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>
#include <string_view>

// Requests and responses as values. Everything of the admin layer but http_server works on these
// alone and is tested without a socket.
namespace linkd::admin {

namespace http = boost::beast::http;
using http_request = http::request<http::string_body>;
using http_response = http::response<http::string_body>;

// Who sent a request.
struct caller {
  std::string address;  // an IPv4 address or the /64 of an IPv6 one; "unix"
  bool local_socket = false;
};

// Carries the security headers every response of ours has.
http_response text_response(http::status status, std::string_view content_type, std::string body);

// {"error":{"code":CODE,"message":MESSAGE}} (DESIGN section 9).
http_response error_response(http::status status, std::string_view code, std::string_view message);

// The part of a request's target before "?".
std::string_view path_of(const http_request& request);

}  // namespace linkd::admin

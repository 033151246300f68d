#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

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

// A response that is not there yet: `start` is called once, with the function that takes it.
struct later_response {
  std::function<void(std::function<void(http_response)> reply)> start;
};

// Server-sent events (HTML standard, section 9.2): `data`, one line, is asked for again and again;
// none ends the stream.
struct event_stream {
  std::string event;
  std::function<std::optional<std::string>()> data;
};

using http_answer = std::variant<http_response, later_response, event_stream>;

// Carries the security headers every response of ours has.
http_response text_response(http::status status, std::string_view content_type, std::string body);

http_response json_response(http::status status, const boost::json::value& body);

// {"error":{"code":CODE,"message":MESSAGE}} (DESIGN section 9).
http_response error_response(http::status status, std::string_view code, std::string_view message);

// The part of a request's target before "?".
std::string_view path_of(const http_request& request);

// The value of a field of the query, decoded (application/x-www-form-urlencoded); nothing if it is
// not there or not encoded as it has to be.
std::optional<std::string> query_value(const http_request& request, std::string_view name);

}  // namespace linkd::admin

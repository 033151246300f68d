#include "admin/http.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

namespace linkd::admin {

http_response text_response(http::status status, std::string_view content_type, std::string body) {
  http_response response;
  response.result(status);
  response.set(http::field::content_type, content_type);
  response.set(http::field::cache_control, "no-store");
  response.set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'");
  response.set("Referrer-Policy", "no-referrer");
  response.set("X-Content-Type-Options", "nosniff");
  response.body() = std::move(body);
  response.prepare_payload();
  return response;
}

http_response error_response(http::status status, std::string_view code, std::string_view message) {
  const boost::json::value body = {{"error", {{"code", code}, {"message", message}}}};
  return text_response(status, "application/json", boost::json::serialize(body));
}

std::string_view path_of(const http_request& request) {
  const std::string_view target = request.target();
  return target.substr(0, target.find('?'));
}

}  // namespace linkd::admin

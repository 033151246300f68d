#include "admin/request_body.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/json/stream_parser.hpp>

namespace linkd::admin {
namespace {

namespace json = boost::json;

http_response invalid_json(std::string_view body, std::size_t at, const std::string& why) {
  const auto line = std::ranges::count(body.substr(0, at), '\n') + 1;
  return json_response(http::status::bad_request,
                       {{"error",
                         {{"code", "invalid_json"},
                          {"message", "the body is not a JSON object: " + why},
                          {"line", line}}}});
}

}  // namespace

std::optional<http_response> refuse_content_type(const http_request& request) {
  const std::string_view type = request[http::field::content_type];
  const auto essence = type.substr(0, type.find(';'));
  const bool named =
      boost::beast::iequals(essence.substr(0, essence.find(' ')), "application/json");
  if (named || (request.body().empty() && type.empty())) return std::nullopt;
  return error_response(http::status::unsupported_media_type, "unsupported_media_type",
                        "send a body with Content-Type: application/json");
}

std::variant<json::object, http_response> json_body(const http_request& request) {
  const std::string& body = request.body();
  json::stream_parser parser;
  boost::system::error_code failed;
  const std::size_t parsed = parser.write(body.data(), body.size(), failed);
  if (!failed) parser.finish(failed);
  if (failed) return invalid_json(body, std::min(parsed, body.size()), failed.message());
  json::value value = parser.release();
  if (!value.is_object()) return invalid_json(body, 0, "it is something else");
  return std::move(value.get_object());
}

}  // namespace linkd::admin

#include "admin/http.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <system_error>
#include <utility>

namespace linkd::admin {
namespace {

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    unsigned char byte = 0;
    const char* const digits = text.data() + i + 1;
    if (text.size() - i < 3) return std::nullopt;
    const auto [end, failed] = std::from_chars(digits, digits + 2, byte, 16);
    if (failed != std::errc{} || end != digits + 2) return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

}  // namespace

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

http_response json_response(http::status status, const boost::json::value& body) {
  return text_response(status, "application/json", boost::json::serialize(body));
}

http_response error_response(http::status status, std::string_view code, std::string_view message) {
  return json_response(status, {{"error", {{"code", code}, {"message", message}}}});
}

std::string_view path_of(const http_request& request) {
  const std::string_view target = request.target();
  return target.substr(0, target.find('?'));
}

std::optional<std::string> query_value(const http_request& request, std::string_view name) {
  const std::string_view target = request.target();
  const auto start = target.find('?');
  if (start == std::string_view::npos) return std::nullopt;
  std::string_view rest = target.substr(start + 1);
  while (true) {
    const auto end = std::min(rest.find('&'), rest.size());
    const auto field = rest.substr(0, end);
    const auto equals = std::min(field.find('='), field.size());
    if (field.substr(0, equals) == name)
      return decoded(field.substr(std::min(equals + 1, field.size())));
    if (end == rest.size()) return std::nullopt;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace linkd::admin

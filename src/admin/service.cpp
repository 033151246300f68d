#include "admin/service.hpp"

#include <utility>

#include "admin/assets.hpp"
#include "admin/metrics.hpp"
#include "admin/request_body.hpp"

namespace linkd::admin {
namespace {

std::string_view content_type_of(std::string_view file) {
  constexpr std::pair<std::string_view, std::string_view> types[] = {
      {".html", "text/html; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".json", "application/json"},
      {".webmanifest", "application/manifest+json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/vnd.microsoft.icon"},
      {".woff2", "font/woff2"},
  };
  for (const auto& [ending, type] : types) {
    if (file.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

void add_console(router& to) {
  using captures = router::captures;
  for (const asset& each : console_files()) {
    const auto serve = [each](const http_request&, const captures&) {
      return text_response(http::status::ok, content_type_of(each.name), std::string(each.content));
    };
    to.add(http::verb::get, "/" + std::string(each.name), serve);
    if (each.name == "index.html") to.add(http::verb::get, "/", serve);
  }
}

bool is_order(const http_request& request) {
  return request.method() != http::verb::get && request.method() != http::verb::head;
}

// Makes a response ready to be written.
http_response completed(http_response response, unsigned version, bool keep_alive, bool is_head) {
  response.version(version);
  response.keep_alive(keep_alive);
  // The length stays that of the body we do not send; RFC 9110, section 9.3.2.
  if (is_head) response.body().clear();
  return response;
}

}  // namespace

service::service(const admin_settings& settings, sources from, control& orders, const clock& clock,
                 logger& log)
    : from_(std::move(from)),
      clock_(clock),
      log_(log),
      access_(settings, clock, log),
      api_(from_, orders, history_, clock) {
  using captures = router::captures;
  router_.add(http::verb::get, "/livez", [](const http_request&, const captures&) {
    return text_response(http::status::ok, "text/plain", "ok\n");
  });
  router_.add(http::verb::get, "/readyz", [this](const http_request&, const captures&) {
    const ready_state state = from_.ready();
    if (state.ready) return text_response(http::status::ok, "text/plain", "ok\n");
    return error_response(http::status::service_unavailable, "not_ready", state.reason);
  });
  router_.add(http::verb::get, "/metrics", [this](const http_request&, const captures&) {
    return text_response(http::status::ok, metrics_content_type,
                         metrics_text(from_.deployment(), from_.process()));
  });
  api_.add_routes(router_);
  add_console(router_);
}

void service::sample() {
  history_.sample(from_.deployment(), clock_.now(), clock_.unix_time());
}

http_answer service::handle(const http_request& request, const caller& from) {
  const bool is_head = request.method() == http::verb::head;
  const auto complete = [version = request.version(), keep_alive = request.keep_alive(),
                         is_head](http_response response) {
    return completed(std::move(response), version, keep_alive, is_head);
  };
  http_answer answer = route(request, from);
  if (auto* response = std::get_if<http_response>(&answer)) {
    if (is_order(request)) log_order(request, from, *response);
    return complete(std::move(*response));
  }
  if (auto* pending = std::get_if<later_response>(&answer)) {
    return later_response{[start = std::move(pending->start),
                           complete](const std::function<void(http_response)>& reply) {
      start([complete, reply](http_response response) { reply(complete(std::move(response))); });
    }};
  }
  // As long as who reads it may: the token can change meanwhile.
  auto& stream = std::get<event_stream>(answer);
  return event_stream{
      std::move(stream.event),
      [this, request, from, data = std::move(stream.data)]() -> std::optional<std::string> {
        if (access_.refuse(request, from)) return std::nullopt;
        return data();
      }};
}

http_answer service::route(const http_request& request, const caller& from) {
  if (auto refusal = access_.refuse(request, from)) return std::move(*refusal);
  if (is_order(request)) {
    if (auto refusal = refuse_content_type(request)) return std::move(*refusal);
  }
  return router_.handle(request);
}

void service::log_order(const http_request& request, const caller& from,
                        const http_response& response) {
  if (http::to_status_class(response.result()) != http::status_class::successful) return;
  log_.write(log_level::info, "admin_order", "",
             std::string(request.method_string()) + " " + std::string(path_of(request)) + " from " +
                 from.address);
}

}  // namespace linkd::admin

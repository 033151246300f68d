#include "admin/service.hpp"

#include <utility>

#include "admin/metrics.hpp"

namespace linkd::admin {

service::service(const admin_settings& settings, sources from, const clock& clock, logger& log)
    : access_(settings, clock, log) {
  using captures = router::captures;
  router_.add(http::verb::get, "/livez", [](const http_request&, const captures&) {
    return text_response(http::status::ok, "text/plain", "ok\n");
  });
  router_.add(http::verb::get, "/readyz",
              [ready = std::move(from.ready)](const http_request&, const captures&) {
                const ready_state state = ready();
                if (state.ready) return text_response(http::status::ok, "text/plain", "ok\n");
                return error_response(http::status::service_unavailable, "not_ready", state.reason);
              });
  router_.add(http::verb::get, "/metrics",
              [deployment = std::move(from.deployment), process = std::move(from.process)](
                  const http_request&, const captures&) {
                return text_response(http::status::ok, metrics_content_type,
                                     metrics_text(deployment(), process()));
              });
}

http_response service::handle(const http_request& request, const caller& from) {
  auto refusal = access_.refuse(request, from);
  http_response response = refusal ? std::move(*refusal) : router_.handle(request);
  response.version(request.version());
  response.keep_alive(request.keep_alive());
  // The length stays that of the body we do not send; RFC 9110, section 9.3.2.
  if (request.method() == http::verb::head) response.body().clear();
  return response;
}

}  // namespace linkd::admin

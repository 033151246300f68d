#pragma once

#include "admin/access.hpp"
#include "admin/api.hpp"
#include "admin/control.hpp"
#include "admin/history.hpp"
#include "admin/http.hpp"
#include "admin/router.hpp"
#include "admin/sources.hpp"

namespace linkd::admin {

// What the admin port answers: /livez, /readyz, /metrics, the console and the API (API.md). One
// thread, no sockets; http_server carries it.
class service {
 public:
  // `orders`, `clock` and `log` must outlive the object.
  service(const admin_settings& settings, sources from, control& orders, const clock& clock,
          logger& log);
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  // Responses are whole, ready to be written.
  http_answer handle(const http_request& request, const caller& from);
  // To be called about every history::interval.
  void sample();

 private:
  http_answer route(const http_request& request, const caller& from);
  void log_order(const http_request& request, const caller& from, const http_response& response);

  sources from_;
  const clock& clock_;
  logger& log_;
  access_control access_;
  history history_;
  api api_;
  router router_;
};

}  // namespace linkd::admin

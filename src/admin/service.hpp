#pragma once

#include "admin/access.hpp"
#include "admin/http.hpp"
#include "admin/router.hpp"
#include "admin/sources.hpp"

namespace linkd::admin {

// What the admin port answers: /livez, /readyz and /metrics (DESIGN section 9). One thread, no
// sockets; http_server carries it.
class service {
 public:
  // `clock` and `log` must outlive the object.
  service(const admin_settings& settings, sources from, const clock& clock, logger& log);
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  // The whole response, ready to be written.
  http_response handle(const http_request& request, const caller& from);

 private:
  access_control access_;
  router router_;
};

}  // namespace linkd::admin

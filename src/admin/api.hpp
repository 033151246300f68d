#pragma once

#include "admin/control.hpp"
#include "admin/history.hpp"
#include "admin/http.hpp"
#include "admin/router.hpp"
#include "admin/sources.hpp"
#include "mqtt_linkd/ports/clock.hpp"

namespace linkd::admin {

// The routes under /api/v1 (API.md). One thread.
class api {
 public:
  // Everything must outlive the object.
  api(const sources& from, control& orders, const history& past, const clock& clock)
      : from_(from), orders_(orders), past_(past), clock_(clock) {}

  // Handlers refer to this object.
  void add_routes(router& to);
  // The data of the next event.
  [[nodiscard]] std::string status_text() const;

 private:
  using captures = router::captures;

  http_answer links() const;
  http_answer create(const http_request& request);
  http_answer show(const std::string& link, http::status status = http::status::ok) const;
  http_answer replace(const http_request& request, const std::string& link);
  http_answer enable(const http_request& request, const std::string& link, bool enabled);
  http_answer remove(const http_request& request, const std::string& link);
  http_answer purge(const std::string& link);
  http_answer test(const std::string& link);
  http_answer interest(const http_request& request, const std::string& link) const;
  http_answer metrics(const std::string& link) const;
  http_answer explain(const http_request& request) const;

  [[nodiscard]] std::optional<boost::json::object> link_json(const std::string& link) const;
  // 412 if the file is another than If-Match says.
  [[nodiscard]] std::optional<http_response> refuse_stale(const http_request& request,
                                                          const std::string& link) const;
  http_answer after(const outcome<done>& order, const std::string& link,
                    http::status status = http::status::ok) const;
  http_answer after(const result<void>& order, const std::string& link) const;

  const sources& from_;
  control& orders_;
  const history& past_;
  const clock& clock_;
};

}  // namespace linkd::admin

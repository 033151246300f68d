#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/http.hpp"

namespace linkd::admin {

// Finds the handler of a request. A pattern is a path whose segments are literal or "{}", which
// stands for one segment that is not empty; handlers get what stood there, as sent (nothing is
// percent-decoded: the names we accept need it nowhere). The first pattern that fits is taken. No
// pattern: 404; a pattern with other methods: 405 with Allow. HEAD is answered as GET.
class router {
 public:
  using captures = std::vector<std::string>;
  using handler = std::function<http_answer(const http_request&, const captures&)>;

  void add(http::verb method, std::string_view pattern, handler handle);
  [[nodiscard]] http_answer handle(const http_request& request) const;

 private:
  struct route {
    http::verb method;
    std::vector<std::string> segments;
    handler handle;
  };
  std::vector<route> routes_;
};

}  // namespace linkd::admin

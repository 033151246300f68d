#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>

#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"
#include "mqtt_linkd/time.hpp"

namespace linkd::ctl {

struct api_answer {
  unsigned status = 0;
  std::string text;         // as it came
  boost::json::value body;  // null if there is none or it is not JSON
};

// The daemon's admin API, one connection a request. Blocking.
class client {
 public:
  static constexpr seconds timeout{30};

  // errc::invalid: that is no address; errc::permission, errc::not_found: the token file.
  static result<client> open(const std::string& admin, const std::string& token_file);

  // `target` is below /api/v1/. errc::unavailable: nobody answers; the text says what to do.
  [[nodiscard]] result<api_answer> get(const std::string& target) const;
  [[nodiscard]] result<api_answer> post(
      const std::string& target, const std::optional<boost::json::value>& body = std::nullopt,
      seconds patience = timeout) const;
  [[nodiscard]] result<api_answer> remove(const std::string& target) const;

 private:
  client(server_address server, std::string token)
      : server_(std::move(server)), token_(std::move(token)) {}

  server_address server_;
  std::string token_;
};

// For a query, as application/x-www-form-urlencoded.
std::string encoded(const std::string& text);

}  // namespace linkd::ctl

#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "admin/http.hpp"
#include "mqtt_linkd/ports/clock.hpp"
#include "mqtt_linkd/ports/log.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::admin {

// Counts failed attempts per address: five at once, then five a second. Bounded; when full of
// addresses that failed just now, all others wait too.
class failure_limiter {
 public:
  [[nodiscard]] bool may_try(const std::string& address, time_point now);
  void failed(const std::string& address, time_point now);

 private:
  // When all failures of the address are forgotten; each counts for an interval.
  std::map<std::string, time_point> forgotten_at_;
};

// The bearer token of `file`: its content less white space at the end. Read again whenever the file
// changes. Nothing matches a file that cannot be read or is empty.
class token_file {
 public:
  explicit token_file(std::string path) : path_(std::move(path)) {}
  // In a time that tells nothing about the token.
  [[nodiscard]] bool matches(std::string_view token);

 private:
  using digest = std::array<unsigned char, 32>;  // SHA-256

  void read_if_changed();

  std::string path_;
  std::array<std::int64_t, 5> seen_{};  // device, inode, size, change time
  std::optional<digest> token_;
};

// Decides whether a request may be handled at all. The dangers: a web page that a person with
// access has open (cross-site requests, DNS rebinding), and whoever reaches the port (guessing the
// token). One thread.
class access_control {
 public:
  // `clock` and `log` must outlive the object.
  access_control(const admin_settings& settings, const clock& clock, logger& log);

  // The refusal to send back, or nothing: go on.
  std::optional<http_response> refuse(const http_request& request, const caller& from);

 private:
  [[nodiscard]] bool is_our_name(std::string_view host) const;
  std::optional<http_response> refuse_token(const http_request& request, const caller& from);

  server_address server_;
  std::optional<token_file> token_;
  failure_limiter failures_;
  const clock& clock_;
  logger& log_;
};

}  // namespace linkd::admin

#include "admin/access.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/string.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "admin/assets.hpp"

namespace linkd::admin {

namespace {

using boost::beast::iequals;

constexpr milliseconds failure_interval{200};
constexpr int failures_at_once_max = 5;
constexpr std::size_t addresses_max = 1024;
constexpr std::size_t token_bytes_max = 4096;

// "name", "name:80", "127.0.0.1:80", "[::1]:80" less port and brackets; RFC 9110, section 7.2.
std::optional<std::string_view> host_without_port(std::string_view value) {
  const bool bracketed = value.starts_with('[');
  const auto host_end = bracketed ? value.find(']') : value.find(':');
  if (bracketed && host_end == std::string_view::npos) return std::nullopt;
  const auto host = value.substr(bracketed ? 1 : 0, bracketed ? host_end - 1 : host_end);
  auto port = host_end == std::string_view::npos ? "" : value.substr(host_end + bracketed);
  if (!port.empty()) {
    if (port.front() != ':') return std::nullopt;
    port.remove_prefix(1);
  }
  const bool digits = port.find_first_not_of("0123456789") == std::string_view::npos;
  if (host.empty() || !digits) return std::nullopt;
  return host;
}

// Whether a browser sent this for a page that is not ours.
bool is_cross_site(const http_request& request, std::string_view host) {
  const auto site = request.find("Sec-Fetch-Site");
  if (site != request.end() && site->value() != "same-origin" && site->value() != "none") {
    return true;
  }
  const auto [origin, end] = request.equal_range(http::field::origin);
  if (origin == end) return false;
  // Behind a proxy with TLS the page's scheme is another than ours.
  const std::string http_origin = "http://" + std::string(host);
  const std::string https_origin = "https://" + std::string(host);
  return std::next(origin) != end ||
         !(iequals(origin->value(), http_origin) || iequals(origin->value(), https_origin));
}

std::string_view bearer_token(const http_request& request) {
  constexpr std::string_view scheme = "bearer ";
  const std::string_view value = request[http::field::authorization];
  if (!iequals(value.substr(0, scheme.size()), scheme)) return {};
  return value.substr(scheme.size());
}

// The probes, and the console's files, which hold no secret and ask for the token.
bool is_public(const http_request& request) {
  const auto path = path_of(request);
  return path == "/" || path == "/livez" || path == "/readyz" ||
         std::ranges::any_of(console_files(),
                             [&](const asset& each) { return path.substr(1) == each.name; });
}

}  // namespace

bool failure_limiter::may_try(const std::string& address, time_point now) {
  const auto known = forgotten_at_.find(address);
  if (known != forgotten_at_.end()) {
    return known->second <= now + failure_interval * (failures_at_once_max - 1);
  }
  if (forgotten_at_.size() < addresses_max) return true;
  std::erase_if(forgotten_at_, [now](const auto& entry) { return entry.second <= now; });
  return forgotten_at_.size() < addresses_max;
}

void failure_limiter::failed(const std::string& address, time_point now) {
  auto& forgotten_at = forgotten_at_.try_emplace(address, now).first->second;
  forgotten_at = std::max(forgotten_at, now) + failure_interval;
}

bool token_file::matches(std::string_view token) {
  read_if_changed();
  digest given{};
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), given.data());
  return token_ && CRYPTO_memcmp(given.data(), token_->data(), given.size()) == 0;
}

void token_file::read_if_changed() {
  struct stat found {};
  if (::stat(path_.c_str(), &found) != 0) {
    token_.reset();
    seen_ = {};
    return;
  }
  const decltype(seen_) now{static_cast<std::int64_t>(found.st_dev),
                            static_cast<std::int64_t>(found.st_ino), found.st_size,
                            found.st_ctim.tv_sec, found.st_ctim.tv_nsec};
  if (now == seen_) return;
  token_.reset();
  std::string content(token_bytes_max, '\0');
  std::ifstream in(path_, std::ios::binary);
  seen_ = in ? now : decltype(seen_){};
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(in.gcount()));
  content.erase(content.find_last_not_of(" \t\r\n") + 1);
  if (!content.empty()) {
    SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(),
           token_.emplace().data());
  }
  OPENSSL_cleanse(content.data(), content.size());
}

access_control::access_control(const admin_settings& settings, const clock& clock, logger& log)
    : server_(settings.server), clock_(clock), log_(log) {
  if (!settings.token_file.empty()) token_.emplace(settings.token_file);
}

std::optional<http_response> access_control::refuse(const http_request& request,
                                                    const caller& from) {
  if (request.count(http::field::host) != 1) {
    return error_response(http::status::bad_request, "bad_request", "exactly one Host is needed");
  }
  const std::string_view host = request[http::field::host];
  if (!from.local_socket) {
    const auto name = host_without_port(host);
    if (!name || !is_our_name(*name)) {
      return error_response(http::status::misdirected_request, "misdirected",
                            "this server does not go by the name in Host");
    }
  }
  if (is_cross_site(request, host)) {
    return error_response(http::status::forbidden, "cross_site",
                          "requests from other web sites are refused");
  }
  if (!token_ || is_public(request)) return std::nullopt;
  return refuse_token(request, from);
}

// An address in Host cannot have come from a rebound name; a name must be one that only we have.
bool access_control::is_our_name(std::string_view host) const {
  if (iequals(host, "localhost") || iequals(host, server_.host)) return true;
  boost::system::error_code not_an_address;
  const auto address = boost::asio::ip::make_address(std::string(host), not_an_address);
  if (not_an_address) return false;
  if (address.is_loopback()) return true;
  const auto configured = boost::asio::ip::make_address(server_.host, not_an_address);
  return !not_an_address && (configured.is_unspecified() || configured == address);
}

std::optional<http_response> access_control::refuse_token(const http_request& request,
                                                          const caller& from) {
  const auto token = bearer_token(request);
  const time_point now = clock_.now();
  if (!token.empty()) {
    if (!failures_.may_try(from.address, now)) {
      auto response = error_response(http::status::too_many_requests, "too_many_failures",
                                     "too many wrong tokens from this address");
      response.set(http::field::retry_after, "1");
      return response;
    }
    if (token_->matches(token)) return std::nullopt;
    failures_.failed(from.address, now);
    log_.write(log_level::warning, "admin_token_wrong", "", "wrong token from " + from.address);
  }
  auto response = error_response(http::status::unauthorized, "unauthorized",
                                 "the token of admin.token_file is needed as Bearer token");
  response.set(http::field::www_authenticate, "Bearer");
  return response;
}

}  // namespace linkd::admin

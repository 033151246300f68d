#include "transport/link_admission.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>

#include "mqtt_linkd/limits.hpp"
#include "net/password_file.hpp"

namespace linkd::transport {
namespace {

constexpr std::string_view target_prefix = "/link/";

// RFC 7617: what stands behind the first colon. Empty: there is no password.
secret password_in(std::string_view authorization) {
  constexpr std::string_view method = "basic ";
  if (!boost::beast::iequals(authorization.substr(0, method.size()), method)) return {};
  const std::string_view encoded = authorization.substr(method.size());
  if (encoded.empty() || encoded.size() % 4 != 0) return {};
  std::string plain(encoded.size() / 4 * 3, 0);
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(plain.data()),
                                   reinterpret_cast<const unsigned char*>(encoded.data()),
                                   static_cast<int>(encoded.size()));
  if (size < 0) return {};
  const auto padding = std::count(encoded.end() - 2, encoded.end(), '=');
  plain.resize(static_cast<std::size_t>(size - padding));
  const auto colon = plain.find(':');
  return colon == std::string::npos ? secret() : secret(plain.substr(colon + 1));
}

// In a time that tells nothing about either.
bool same(const secret& a, const secret& b) {
  const auto digest = [](const std::string& text) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> out;
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data());
    return out;
  };
  const auto left = digest(a.reveal()), right = digest(b.reveal());
  return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

error unauthorized(const std::string& why) {
  return {errc::permission, "unauthorized: " + why};
}

result<void> check_password(const std::string& file, const secret& shown, std::string& for_us) {
  const auto expected = net::read_password_file(file);
  if (!expected) {
    for_us = expected.error().text;
    return unauthorized("the password cannot be checked at the moment");
  }
  if (shown.empty()) return unauthorized("a password is needed");
  if (expected->empty() || !same(*expected, shown)) return unauthorized("wrong password");
  return {};
}

result<void> check_certificate(const std::string& name, const std::vector<std::string>& shown) {
  if (shown.empty()) return unauthorized("a client certificate is needed");
  if (std::ranges::find(shown, name) == shown.end()) {
    return unauthorized("the client certificate bears another name");
  }
  return {};
}

}  // namespace

void link_admission::configure(const std::vector<link_settings>& links) {
  links_.clear();
  for (const link_settings& each : links) {
    links_[each.name] = each.accept.value_or(accept_settings{});
  }
}

result<std::string> link_admission::deployment_in(std::string_view target) {
  const bool named = target.starts_with(target_prefix) && target.size() > target_prefix.size() &&
                     target.size() <= target_prefix.size() + limits::name_bytes_max;
  if (!named) return error{errc::invalid, "bad_request: the target is not /link/<deployment>"};
  return std::string(target.substr(target_prefix.size()));
}

bool link_admission::accepts(const std::string& link) const {
  const auto found = links_.find(link);
  return found != links_.end() && found->second != accept_settings{};
}

result<void> link_admission::check(const std::string& deployment, const credentials_shown& shown,
                                   std::string& for_us) const {
  const auto found = links_.find(deployment);
  if (found == links_.end()) {
    return error{errc::not_found, "unknown_deployment: there is no link of that name"};
  }
  const accept_settings& accept = found->second;
  if (accept == accept_settings{}) return unauthorized("nobody may dial as " + deployment);
  if (!accept.password_file.empty()) {
    const auto right =
        check_password(accept.password_file, password_in(shown.authorization), for_us);
    if (!right) return right;
  }
  if (!accept.certificate.empty()) {
    return check_certificate(accept.certificate, shown.certificate_names);
  }
  return {};
}

}  // namespace linkd::transport

#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::net {

struct tls_context_deleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using tls_context = std::unique_ptr<SSL_CTX, tls_context_deleter>;

// A client context of our own, because libmosquitto can neither be told a server name nor a
// minimum version, checks names with code of its own, and Asio's default accepts anything: TLS 1.2
// or later, the server's certificate checked against `ca_file` (empty: the system's) and against
// `server_name` or `host` (names and addresses, RFC 6125 by OpenSSL), which is also the SNI. Reads
// files.
result<tls_context> make_client_context(const tls_settings& settings, const std::string& host);

// For a listener: TLS 1.2 or later, our certificate. With `verify` and a `ca_file` a certificate
// that the client shows must be of that authority; whether one is needed is decided by link. Reads
// files.
result<tls_context> make_server_context(const tls_settings& settings);

// Why the last certificate that this thread checked was not accepted; empty if that was not the
// reason. Told once. Asio's streams tell it by SSL_get_verify_result().
std::string take_verification_failure();

}  // namespace linkd::net

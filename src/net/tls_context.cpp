#include "net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <utility>

namespace linkd::net {

namespace {

error tls_error(const std::string& what) {
  char reason[256] = "unknown reason";
  if (const unsigned long code = ERR_get_error()) ERR_error_string_n(code, reason, sizeof reason);
  ERR_clear_error();
  return error{errc::invalid, "tls: " + what + ": " + reason};
}

// libmosquitto sets the dialled host as SNI just before the handshake; this runs after it.
void send_expected_name(const SSL* connection, int where, int) {
  if ((where & SSL_CB_HANDSHAKE_START) == 0) return;
  auto ssl = const_cast<SSL*>(connection);  // the callback's signature is older than its use
  if (const char* name = X509_VERIFY_PARAM_get0_host(SSL_get0_param(ssl), 0)) {
    SSL_set_tlsext_host_name(ssl, name);
  }
}

// libmosquitto may have thrown the connection away before its caller can ask. What is recorded on
// a thread is read on it, right after the handshake has failed.
thread_local std::string verification_failure;

int record_failure(int accepted, X509_STORE_CTX* check) {
  if (accepted == 0) {
    verification_failure = X509_verify_cert_error_string(X509_STORE_CTX_get_error(check));
  }
  return accepted;
}

bool expect_name(SSL_CTX* context, const std::string& name) {
  X509_VERIFY_PARAM* rules = SSL_CTX_get0_param(context);
  if (X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str()) == 1) return true;
  ERR_clear_error();
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size()) == 1;
}

result<tls_context> make_context(const SSL_METHOD* side) {
  ERR_clear_error();
  tls_context context(SSL_CTX_new(side));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
    return tls_error("no context");
  }
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  return context;
}

result<void> use_certificate(SSL_CTX* context, const tls_settings& settings) {
  if (settings.cert_file.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context, settings.cert_file.c_str()) != 1) {
    return tls_error("cannot use cert_file " + settings.cert_file);
  }
  const std::string& key = settings.key_file.empty() ? settings.cert_file : settings.key_file;
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return tls_error("cannot use key_file " + key);
  }
  return {};
}

}  // namespace

result<tls_context> make_client_context(const tls_settings& settings, const std::string& host) {
  auto context = make_context(TLS_client_method());
  if (!context) return context;
  SSL_CTX* raw = context->get();
  const int trusted = settings.ca_file.empty()
                          ? SSL_CTX_set_default_verify_paths(raw)
                          : SSL_CTX_load_verify_file(raw, settings.ca_file.c_str());
  if (trusted != 1) return tls_error("cannot use ca_file " + settings.ca_file);
  if (auto done = use_certificate(raw, settings); !done) return done.error();
  const std::string& name = settings.server_name.empty() ? host : settings.server_name;
  if (!expect_name(raw, name)) return tls_error("bad server name " + name);
  SSL_CTX_set_info_callback(raw, send_expected_name);
  if (settings.verify) {
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, record_failure);
  } else {
    SSL_CTX_set_verify(raw, SSL_VERIFY_NONE, nullptr);
  }
  return context;
}

result<tls_context> make_server_context(const tls_settings& settings) {
  auto context = make_context(TLS_server_method());
  if (!context) return context;
  SSL_CTX* raw = context->get();
  if (auto done = use_certificate(raw, settings); !done) return done.error();
  // A resumed session would not show its certificate again.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET);
  if (!settings.verify || settings.ca_file.empty()) return context;
  if (SSL_CTX_load_verify_file(raw, settings.ca_file.c_str()) != 1) {
    return tls_error("cannot use ca_file " + settings.ca_file);
  }
  SSL_CTX_set_client_CA_list(raw, SSL_load_client_CA_file(settings.ca_file.c_str()));
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  return context;
}

std::string take_verification_failure() {
  return std::exchange(verification_failure, {});
}

}  // namespace linkd::net

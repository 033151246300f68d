#pragma once

#include <mosquitto.h>
#include <openssl/ssl.h>

#include <memory>

#include "mqtt/client.hpp"
#include "mqtt_linkd/result.hpp"

namespace linkd::mqtt {

struct library_deleter {
  void operator()(mosquitto* object) const { mosquitto_destroy(object); }
};
using library_object = std::unique_ptr<mosquitto, library_deleter>;

// A library object with a network connection and a CONNECT packet waiting to be written; no
// callbacks set. Blocks on files, DNS and TCP for as long as the system lets it; the TLS handshake
// comes later, on the caller's loop. Any thread.
result<library_object> dial(const client_settings& settings);

// nullptr without TLS, or before a connection.
inline SSL* tls_of(mosquitto* object) {
  return static_cast<SSL*>(mosquitto_ssl_get(object));
}

// What a MOSQ_ERR_* means, with errno where that is the point.
std::string describe(int library_code, int system_code);

}  // namespace linkd::mqtt

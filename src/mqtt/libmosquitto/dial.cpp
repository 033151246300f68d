#include "mqtt/libmosquitto/dial.hpp"

#include <mqtt_protocol.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <system_error>

#include "mqtt/libmosquitto/properties.hpp"
#include "net/password_file.hpp"
#include "net/tls_context.hpp"

namespace linkd::mqtt {

namespace {

constexpr int keepalive_s_min = 5;  // the library refuses less

// The library's global state is made once and never torn down: attempts that were given up may
// still be using it on their own thread when the process ends.
bool library_ready() {
  static const bool ready = [] {
    std::signal(SIGPIPE, SIG_IGN);  // a broken connection is an error code, not a death
    return mosquitto_lib_init() == MOSQ_ERR_SUCCESS;
  }();
  return ready;
}

result<void> set_login(mosquitto* object, const credentials& login) {
  if (login.username.empty()) return {};
  const auto password = net::password_of(login);
  if (!password) return password.error();
  const int code = mosquitto_username_pw_set(
      object, login.username.c_str(), password->empty() ? nullptr : password->reveal().c_str());
  if (code != MOSQ_ERR_SUCCESS) return error{errc::invalid, "bad username: " + describe(code, 0)};
  return {};
}

result<property_list> connect_properties(const client_settings& settings) {
  property_list list;
  if (!settings.mqtt5) return list;
  int code = MOSQ_ERR_SUCCESS;
  if (settings.session_expiry.count() > 0) {
    const auto expiry =
        std::min<seconds::rep>(settings.session_expiry.count(), UINT32_MAX);  // for ever
    code = mosquitto_property_add_int32(list.out(), MQTT_PROP_SESSION_EXPIRY_INTERVAL,
                                        static_cast<std::uint32_t>(expiry));
  }
  if (code == MOSQ_ERR_SUCCESS && settings.packet_bytes_max > 0) {
    code = mosquitto_property_add_int32(list.out(), MQTT_PROP_MAXIMUM_PACKET_SIZE,
                                        settings.packet_bytes_max);
  }
  if (code != MOSQ_ERR_SUCCESS) return error{errc::invalid, describe(code, 0)};
  return list;
}

result<void> set_tls(mosquitto* object, const client_settings& settings) {
  if (settings.server.scheme != scheme::mqtts) return {};
  auto context = net::make_client_context(settings.tls, settings.server.host);
  if (!context) return context.error();
  // The library takes a reference of its own, and shall add nothing.
  mosquitto_int_option(object, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
  if (mosquitto_void_option(object, MOSQ_OPT_SSL_CTX, context->get()) != MOSQ_ERR_SUCCESS) {
    return error{errc::invalid, "tls: not supported by this libmosquitto"};
  }
  return {};
}

using log_line = std::array<char, 256>;  // written inside the library: nothing may throw there

void keep_error(mosquitto*, void* line, int level, const char* text) {
  auto& to = *static_cast<log_line*>(line);
  if (level == MOSQ_LOG_ERR) std::snprintf(to.data(), to.size(), "%s", text);
}

}  // namespace

std::string describe(int library_code, int system_code) {
  switch (library_code) {
    case MOSQ_ERR_ERRNO:
      return std::generic_category().message(system_code);
    case MOSQ_ERR_EAI:
      return std::string("name look-up: ") + gai_strerror(system_code);
    default: {
      std::string text = mosquitto_strerror(library_code);
      while (!text.empty() && text.back() == '.') text.pop_back();
      return text;
    }
  }
}

result<library_object> dial(const client_settings& settings) {
  if (!library_ready()) return error{errc::unavailable, "libmosquitto does not start"};
  library_object object(mosquitto_new(settings.client_id.c_str(), settings.clean_start, nullptr));
  if (!object) return error{errc::invalid, "bad client id " + settings.client_id};
  mosquitto* raw = object.get();
  mosquitto_int_option(raw, MOSQ_OPT_PROTOCOL_VERSION,
                       settings.mqtt5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
  // Packets wait for mosquitto_loop_write(): PUBACKs must not leave before the batch is stored.
  mosquitto_threaded_set(raw, true);
  mosquitto_int_option(raw, MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_int_option(raw, MOSQ_OPT_RECEIVE_MAXIMUM, settings.receive_maximum);
  mosquitto_int_option(raw, MOSQ_OPT_SEND_MAXIMUM, 65535);  // CONNACK may lower it

  if (auto done = set_login(raw, settings.login); !done) return done.error();
  if (auto done = set_tls(raw, settings); !done) return done.error();
  auto properties = connect_properties(settings);
  if (!properties) return properties.error();

  const bool local = settings.server.scheme == scheme::unix_socket;  // the library's port 0
  const auto keepalive =
      std::clamp<seconds::rep>(settings.keepalive.count(), keepalive_s_min, UINT16_MAX);
  log_line tls_error{};
  mosquitto_user_data_set(raw, &tls_error);
  mosquitto_log_callback_set(raw, keep_error);
  errno = 0;
  const int code =
      mosquitto_connect_bind_v5(raw, settings.server.host.c_str(), local ? 0 : settings.server.port,
                                static_cast<int>(keepalive), nullptr, properties->get());
  const int system_code = errno;
  mosquitto_log_callback_set(raw, nullptr);
  const std::string server = to_string(settings.server) + ": ";
  if (code == MOSQ_ERR_TLS) {  // the handshake begins here, and may end here
    const std::string why = net::take_verification_failure();
    return error{errc::permission, server + "tls: " + (why.empty() ? tls_error.data() : why)};
  }
  if (code != MOSQ_ERR_SUCCESS) {
    return error{errc::io, server + describe(code, system_code)};
  }
  return object;
}

}  // namespace linkd::mqtt

#include "config/sections.hpp"
#include "config/values.hpp"

namespace linkd::config {
namespace {

constexpr std::uint64_t message_bytes_min = 1u << 10;
constexpr std::uint64_t message_bytes_max = 256u << 20;  // MQTT's own limit on a packet
constexpr std::size_t client_id_bytes_max = 128;

void read_broker(section& in, broker_settings& out) {
  static constexpr scheme schemes[] = {scheme::mqtt, scheme::mqtts, scheme::unix_socket};
  in.require("server");
  in.server("server", out.server, schemes);
  in.choice("client", out.client,
            {{"native", broker_client::native}, {"libmosquitto", broker_client::libmosquitto}});
  read_login(in, out.login);
  in.text("client_id", out.client_id, client_id_bytes_max);
  read_protocol(in, out.protocol);
  in.choice("profile", out.profile,
            {{"auto", broker_profile::automatic},
             {"mosquitto", broker_profile::mosquitto},
             {"rabbitmq", broker_profile::rabbitmq},
             {"ejabberd", broker_profile::ejabberd},
             {"nats", broker_profile::nats},
             {"activemq", broker_profile::activemq},
             {"aedes", broker_profile::aedes},
             {"emqx", broker_profile::emqx},
             {"nanomq", broker_profile::nanomq}});
  read_keepalive(in, out.keepalive);
  in.duration("session_expiry", out.session_expiry, seconds(1), duration_max);
  std::uint64_t message_bytes = out.message_bytes_max;
  in.size("max_message", message_bytes, message_bytes_min, message_bytes_max);
  out.message_bytes_max = static_cast<std::size_t>(message_bytes);
  in.integer<std::uint16_t>("receive_maximum", out.receive_maximum, 1, 65535);
  read_tls(in, {&out.server, 1}, "verify", out.tls);
  if (out.session_expiry < out.keepalive) {
    in.error("session_expiry",
             "is shorter than keepalive (" + duration_text(out.keepalive) +
                 "): the session would be gone before a broken connection is noticed");
  }
}

void read_interest(section& in, interest_settings& out) {
  static constexpr scheme http_only[] = {scheme::http};
  in.choice("source", out.source,
            {{"static", interest_source::fixed},
             {"mosquitto", interest_source::mosquitto},
             {"rabbitmq", interest_source::rabbitmq},
             {"emqx", interest_source::emqx},
             {"nanomq", interest_source::nanomq}});
  in.server("url", out.server, http_only);
  read_login(in, out.login);
  in.duration("poll", out.poll, seconds(1), seconds(3600));
  in.duration("linger", out.linger, seconds(0), seconds(86'400));
  in.flag("trust_count", out.trust_count);
  const bool has_api = out.source == interest_source::rabbitmq ||
                       out.source == interest_source::emqx || out.source == interest_source::nanomq;
  if (has_api) in.require("url");
  if (out.source == interest_source::mosquitto && in.has("url")) {
    in.error("url", "is for rabbitmq, emqx and nanomq");
  }
  if (has_api && !out.server.host.empty() && !is_local(out.server)) {
    in.warning("url", "user name and password cross the network in the clear");
  }
}

void read_listen(section& in, listen_settings& out) {
  static constexpr scheme schemes[] = {scheme::ws, scheme::wss};
  in.require("server");
  in.server("server", out.server, schemes);
  in.flag("insecure", out.insecure);
  const bool encrypted = out.server.scheme == scheme::wss;
  read_tls(in, {&out.server, 1}, "verify_peer", out.tls);
  if (out.server.host.empty()) return;
  if (out.server.host != "localhost" && !is_ip_address(out.server.host)) {
    in.error("server", "must be an address of this machine, 0.0.0.0 or [::] for all of them");
  }
  if (encrypted && out.tls.cert_file.empty()) {
    in.error("server", "wss:// needs tls.cert_file and tls.key_file");
  }
  if (!encrypted && !is_local(out.server) && !out.insecure) {
    in.error("server", "ws:// is for a loopback address: use wss:// (or insecure: true)");
  }
  if (out.insecure) in.warning("insecure", "peers may send passwords and messages in the clear");
}

void read_admin(section& in, admin_settings& out) {
  static constexpr scheme schemes[] = {scheme::http, scheme::unix_socket};
  in.require("server");
  in.server("server", out.server, schemes);
  in.secret_file("token_file", out.token_file);
  if (out.server.host.empty() || is_local(out.server)) return;
  if (!in.has("token_file")) {
    in.error("token_file", "is required unless server is a loopback address or a unix socket");
  }
  in.warning("server", "the token crosses the network in the clear: put a TLS proxy in front");
}

void read_log(section& in, log_settings& out) {
  in.choice("level", out.level,
            {{"trace", log_level::trace},
             {"debug", log_level::debug},
             {"info", log_level::info},
             {"warning", log_level::warning},
             {"error", log_level::error}});
  in.choice("format", out.format, {{"text", log_format::text}, {"json", log_format::json}});
}

}  // namespace

void read_daemon(section& in, daemon_settings& out) {
  in.require("deployment");
  in.text("deployment", out.deployment);
  if (!out.deployment.empty() && !is_name(out.deployment)) {
    in.error("deployment", in_quotes(out.deployment) + name_rule);
  }
  out.broker.client_id = "mqtt-linkd-" + out.deployment;
  in.require("broker");
  in.map("broker", [&](section& broker) { read_broker(broker, out.broker); });
  in.map("interest", [&](section& interest) { read_interest(interest, out.interest); });
  in.map("listen", [&](section& listen) { read_listen(listen, out.listen.emplace()); });
  in.map("admin", [&](section& admin) { read_admin(admin, out.admin.emplace()); });
  read_control_prefix(in, out.control_prefix);
  in.path("state_dir", out.state_dir);
  in.path("links_dir", out.links_dir);
  in.map("log", [&](section& log) { read_log(log, out.log); });
}

}  // namespace linkd::config

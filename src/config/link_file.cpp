#include <algorithm>

#include "config/sections.hpp"
#include "config/values.hpp"

namespace linkd::config {
namespace {

constexpr std::uint64_t queue_bytes_min = 1u << 20;  // 16 segments of the smallest size
constexpr std::uint64_t queue_bytes_max = 64ull << 40;
constexpr std::uint16_t connections_max = 16;
constexpr std::size_t client_id_prefix_bytes_max = 100;

bool is_direct(const server_address& address) {
  return address.scheme == scheme::ws || address.scheme == scheme::wss;
}

bool verifies_peers(const listen_settings& listen) {
  return listen.server.scheme == scheme::wss && listen.tls.verify && !listen.tls.ca_file.empty();
}

void read_name(section& in, const std::string& stem, const daemon_settings& daemon,
               std::string& out) {
  in.require("name");
  in.text("name", out);
  if (out.empty()) return;
  if (!is_name(out)) {
    in.error("name", in_quotes(out) + name_rule);
  } else if (out != stem) {
    in.error("name",
             in_quotes(out) + " must be the name of the file without .yaml, " + in_quotes(stem));
  } else if (out == daemon.deployment) {
    in.error("name", in_quotes(out) + " is our own deployment: a link is named like the peer's");
  }
}

void read_servers(section& in, link_settings& out) {
  static constexpr scheme schemes[] = {scheme::mqtt, scheme::mqtts, scheme::ws, scheme::wss};
  in.servers("server", out.servers, schemes);
  in.flag("insecure", out.insecure);
  const auto direct = std::ranges::count_if(out.servers, is_direct);
  if (direct > 0 && direct < std::ssize(out.servers)) {
    in.error("server", "a list is either of brokers (mqtt, mqtts) or of daemons (ws, wss)");
  }
  for (const auto& each : out.servers) {
    if (each.scheme != scheme::ws || is_local(each) || out.insecure) continue;
    in.error("server", in_quotes(to_string(each)) +
                           ": ws:// is for a loopback address: use wss:// (or insecure: true)");
  }
  if (out.insecure) in.warning("insecure", "password and messages may be sent in the clear");
}

void read_accept(section& in, const daemon_settings& daemon, link_settings& out) {
  accept_settings accept;
  in.map("accept", [&](section& inner) {
    inner.secret_file("password_file", accept.password_file);
    inner.text("certificate", accept.certificate);
  });
  if (accept == accept_settings{}) return;  // nobody may dial
  if (!daemon.listen) {
    in.error("accept", "needs listen in mqtt-linkd.yaml");
  } else if (!accept.certificate.empty() && !verifies_peers(*daemon.listen)) {
    in.error("accept", "certificate needs listen with wss:// and tls.ca_file");
  }
  out.accept = accept;
}

void read_queue(section& in, const daemon_settings& daemon, queue_settings& out) {
  in.size("max_bytes", out.bytes_max, queue_bytes_min, queue_bytes_max);
  in.duration("max_age", out.age_max, seconds(1), duration_max);
  in.choice("overflow", out.overflow,
            {{"drop_oldest", overflow_policy::drop_oldest},
             {"drop_newest", overflow_policy::drop_newest}});
  in.choice("sync", out.sync, {{"batch", sync_policy::batch}, {"none", sync_policy::none}});
  in.choice("qos0", out.qos0, {{"keep", qos0_policy::keep}, {"live", qos0_policy::live}});
  // queue/FORMAT.md: no record takes more than half of a queue.
  if (out.bytes_max / 2 < daemon.broker.message_bytes_max) {
    in.warning("max_bytes", "is less than twice broker.max_message (" +
                                size_text(daemon.broker.message_bytes_max) +
                                "): messages over half of it are dropped");
  }
}

void read_mqtt(section& in, link_mqtt_settings& out) {
  read_protocol(in, out.protocol);
  read_keepalive(in, out.keepalive);
  in.integer<std::uint16_t>("connections", out.connections, 1, connections_max);
  in.integer<std::uint16_t>("max_inflight", out.inflight_frames_max, 1, 65535);
  in.duration("retry_interval", out.retry_interval, seconds(1), seconds(3600));
}

}  // namespace

void read_link(section& in, const std::string& stem, const daemon_settings& daemon,
               link_settings& out) {
  out.client_id_prefix = daemon.deployment;
  out.control_prefix = daemon.control_prefix;
  read_name(in, stem, daemon, out.name);
  in.flag("enable", out.enable);
  read_servers(in, out);
  read_login(in, out.login);
  in.text("client_id_prefix", out.client_id_prefix, client_id_prefix_bytes_max);
  read_control_prefix(in, out.control_prefix);
  read_filters(in, "topics", out.control_prefix, out.topics);
  read_filters(in, "allow", out.control_prefix, out.allow);
  read_accept(in, daemon, out);
  in.secret_file("frame_key_file", out.frame_key_file);
  in.duration("interest_expiry", out.interest_expiry, seconds(1), duration_max);
  in.choice("compression", out.compression,
            {{"zstd", compression_kind::zstd}, {"none", compression_kind::none}});
  in.choice("retained", out.retained,
            {{"live", retained_policy::live}, {"off", retained_policy::off}});
  in.map("queue", [&](section& queue) { read_queue(queue, daemon, out.queue); });
  in.map("mqtt", [&](section& mqtt) { read_mqtt(mqtt, out.mqtt); });
  read_tls(in, out.servers, "verify", out.tls);
}

}  // namespace linkd::config

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "mqtt_linkd/time.hpp"

// What an operator can set, as values (DESIGN section 5). `config` fills them from YAML and has
// checked every rule; everybody else only reads them. Defaults here are the documented ones.
namespace linkd {

// A string that never reaches a log, an error text or the API.
class secret {
 public:
  secret() = default;
  explicit secret(std::string value) : value_(std::move(value)) {}
  [[nodiscard]] const std::string& reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }
  bool operator==(const secret&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const secret&) { return out << "******"; }

 private:
  std::string value_;
};

enum class scheme { mqtt, mqtts, unix_socket, ws, wss, http };

struct server_address {
  linkd::scheme scheme = scheme::mqtt;
  std::string host;  // name or address without brackets; of unix:// the path
  std::uint16_t port = 0;
  bool operator==(const server_address&) const = default;
};

// "mqtt://host:1883", "wss://[::1]:8870", "unix:///run/m.sock".
std::string to_string(const server_address& address);

struct credentials {
  std::string username;
  secret password;
  std::string password_file;  // read at every connect; then `password` is empty
  bool operator==(const credentials&) const = default;
};

struct tls_settings {
  std::string ca_file, cert_file, key_file;
  bool verify = true;
  std::string server_name;  // empty: the host that was dialled
  bool operator==(const tls_settings&) const = default;
};

enum class mqtt_protocol { automatic, v5, v311 };
// What makes the local broker, where that matters; `automatic`: what it tells by itself.
enum class broker_profile {
  automatic,
  mosquitto,
  rabbitmq,
  ejabberd,
  nats,
  activemq,
  aedes,
  emqx,
  nanomq
};
// Who speaks MQTT to the local broker: code of ours, or the library.
enum class broker_client { native, libmosquitto };

struct broker_settings {
  server_address server;
  broker_client client = broker_client::native;
  credentials login;
  std::string client_id;
  mqtt_protocol protocol = mqtt_protocol::automatic;
  broker_profile profile = broker_profile::automatic;
  seconds keepalive{30};
  seconds session_expiry{86'400};
  std::size_t message_bytes_max = 16u << 20;
  std::uint16_t receive_maximum = 65535;
  tls_settings tls;
  bool operator==(const broker_settings&) const = default;
};

enum class interest_source { fixed, mosquitto, rabbitmq, emqx, nanomq };

struct interest_settings {
  interest_source source = interest_source::fixed;
  server_address server;  // the broker's HTTP API: rabbitmq, emqx, nanomq; the key is url
  credentials login;
  seconds poll{5};
  seconds linger{10};
  bool trust_count = false;
  bool operator==(const interest_settings&) const = default;
};

struct listen_settings {
  server_address server;
  tls_settings tls;  // `verify` is the key verify_peer
  bool insecure = false;
  bool operator==(const listen_settings&) const = default;
};

struct admin_settings {
  server_address server;  // http or unix_socket
  std::string token_file;
  bool operator==(const admin_settings&) const = default;
};

enum class log_level { trace, debug, info, warning, error };
enum class log_format { text, json };

struct log_settings {
  log_level level = log_level::info;
  log_format format = log_format::text;
  bool operator==(const log_settings&) const = default;
};

struct daemon_settings {
  std::string deployment;
  broker_settings broker;
  interest_settings interest;
  std::optional<listen_settings> listen;
  std::optional<admin_settings> admin;
  std::string control_prefix = "$LINK";
  std::string state_dir = "/var/lib/mqtt-linkd";
  std::string links_dir;  // absolute once read
  log_settings log;
  bool operator==(const daemon_settings&) const = default;
};

enum class overflow_policy { drop_oldest, drop_newest };
enum class sync_policy { batch, none };
enum class qos0_policy { keep, live };
enum class compression_kind { zstd, none };
enum class retained_policy { live, off };

struct queue_settings {
  std::uint64_t bytes_max = 1u << 30;
  seconds age_max{7 * 86'400};
  overflow_policy overflow = overflow_policy::drop_oldest;
  sync_policy sync = sync_policy::batch;
  qos0_policy qos0 = qos0_policy::keep;
  bool operator==(const queue_settings&) const = default;
};

// Advanced settings of the mqtt transport.
struct link_mqtt_settings {
  mqtt_protocol protocol = mqtt_protocol::automatic;
  seconds keepalive{30};
  std::uint16_t connections = 1;
  std::uint16_t inflight_frames_max = 16;  // a connection
  seconds retry_interval{15};
  bool operator==(const link_mqtt_settings&) const = default;
};

struct accept_settings {
  std::string password_file;
  std::string certificate;
  bool operator==(const accept_settings&) const = default;
};

struct link_settings {
  std::string name;  // the peer's deployment name
  bool enable = true;
  std::vector<server_address> servers;  // tried in order; empty: the peer dials us
  credentials login;
  std::string client_id_prefix;  // default: our deployment's name
  std::vector<std::string> topics;
  std::vector<std::string> allow{"#"};
  std::optional<accept_settings> accept;
  std::string frame_key_file;
  std::string control_prefix;  // default: the daemon's
  seconds interest_expiry{7 * 86'400};
  compression_kind compression = compression_kind::zstd;
  retained_policy retained = retained_policy::live;
  queue_settings queue;
  link_mqtt_settings mqtt;
  tls_settings tls;
  bool insecure = false;  // allows ws:// off loopback
  bool operator==(const link_settings&) const = default;
};

}  // namespace linkd

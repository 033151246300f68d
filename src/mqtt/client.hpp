#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mqtt_linkd/message.hpp"
#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"
#include "mqtt_linkd/time.hpp"

namespace linkd::mqtt {

// One MQTT connection, from the attempt to its end, on the io_context's thread. Nothing is ever
// sent again on its own and nothing survives the object: who wants a new connection makes a new
// client.

inline constexpr seconds connect_timeout{10};  // files, DNS, TCP
inline constexpr seconds connack_timeout{15};  // TLS, CONNECT, CONNACK

struct client_settings {
  server_address server;  // mqtt, mqtts or unix_socket
  credentials login;      // without a username: anonymous
  tls_settings tls;       // for mqtts; TLS 1.2 or later
  std::string client_id;
  bool mqtt5 = true;  // otherwise 3.1.1
  bool clean_start = true;
  seconds keepalive{30};
  // MQTT 5 only:
  seconds session_expiry{0};
  std::uint16_t receive_maximum = 65535;
  std::uint32_t packet_bytes_max = 0;  // Maximum Packet Size we announce; 0: none
};

// What the broker granted: CONNACK (MQTT 5, section 3.2). With 3.1.1 only session_present tells.
struct connack {
  bool session_present = false;
  std::uint16_t receive_maximum = 65535;
  std::uint32_t packet_bytes_max = 0;  // 0: no limit announced
  std::uint8_t qos_max = 2;
  bool retain_available = true;
  bool subscription_ids_available = true;
  bool wildcards_available = true;
  std::optional<seconds> session_expiry, keepalive;  // in place of ours
};

// A PUBLISH as it came in. `what.qos` can be 2 if somebody subscribed so; the topic may be a name
// that MQTT forbids.
struct received_message {
  message what;
  bool duplicate = false;                       // DUP flag
  std::vector<std::uint32_t> subscription_ids;  // MQTT 5, section 3.3.2.3.8; often empty
};

// How a connection ended.
enum class end_kind {
  unreachable,  // no network connection: files, DNS, TCP or TLS, or a time-out of these
  no_connack,   // connected and closed by the peer (or silent) before a CONNACK
  refused,      // CONNACK with reason_code
  by_peer,      // was up; closed by the peer, with reason_code if it sent DISCONNECT
  timed_out,    // was up; no answer within the keepalive
  failed        // was up; a protocol error or the like, closed by us
};

struct end_of_connection {
  end_kind kind = end_kind::failed;
  std::uint8_t reason_code = 0;  // of CONNACK (3.1.1: 1 to 5) or DISCONNECT; 0: none
  error reason;                  // for people; errc::refused where the broker said no
};

// The client's number of a publish or subscription: unique among the 65,535 most recent.
using packet_id = int;

// Called on the io_context's thread, never from inside a call of `client`. The client may be
// destroyed in any of them.
class client_events {
 public:
  virtual ~client_events() = default;
  virtual void on_connected(const connack& granted) = 0;
  virtual void on_message(received_message message) = 0;
  // After every on_message() (at most capture_batch_messages_max or about capture_batch_bytes_max)
  // and on_published() of one turn, before anything is written: the place for hold().
  virtual void on_batch_told() {}
  // PUBACK: its reason code, 0 with 3.1.1, >= 0x80: refused. QoS 0: written, 0.
  virtual void on_published(packet_id id, std::uint8_t reason_code) = 0;
  // SUBACK: a code for each filter, in their order; >= 0x80: refused.
  virtual void on_subscribed(packet_id id, const std::vector<std::uint8_t>& reason_codes) = 0;
  virtual void on_unsubscribed(packet_id /*id*/) {}
  // The last event. What was published without on_published() may or may not have arrived.
  virtual void on_closed(const end_of_connection& end) = 0;
};

// Options of a SUBSCRIBE (MQTT 5, section 3.8.3.1); 3.1.1 knows only the QoS.
struct subscribe_options {
  std::uint8_t qos = 1;
  bool no_local = false;
  bool retain_as_published = false;
  std::uint8_t retain_handling = 0;  // 2: no retained messages at subscription
};

// One thread makes every call, that of the io_context.
class client {
 public:
  // Closes the socket as it is, without writing; no event follows.
  virtual ~client() = default;

  // Makes the one attempt; ends in on_connected() or on_closed(). Once.
  virtual void start(client_events& events) = 0;

  // Writes what waits as far as the socket takes it at once, then DISCONNECT: the broker publishes
  // no will and keeps the session as agreed. No event follows; the socket itself lingers on the
  // io_context until the broker closes it, at most 2 s, whether or not the client still lives.
  // While held (or from inside on_message()) it ends like the destructor instead.
  virtual void disconnect() = 0;

  // Only after on_connected(); otherwise, and after the end, errc::unavailable. Packets are queued
  // and leave together, soon. errc::too_large: over the broker's Maximum Packet Size;
  // errc::invalid: the message breaks a rule of MQTT; neither is sent. Where the broker has no
  // retained messages (connack::retain_available) the flag is cleared. At most
  // connack::receive_maximum publishes at QoS 1 should be without an answer.
  virtual result<packet_id> publish(const message& what) = 0;
  virtual result<packet_id> subscribe(
      const std::vector<std::string>& filters, const subscribe_options& options,
      std::optional<std::uint32_t> subscription_id = std::nullopt) = 0;
  virtual result<packet_id> unsubscribe(const std::vector<std::string>& filters) = 0;

  // From hold() to release() nothing is read from or written to the socket; what was read before
  // is not acknowledged until release(). A held connection misses keepalives: hold briefly.
  virtual void hold() = 0;
  virtual void release() = 0;
};

}  // namespace linkd::mqtt

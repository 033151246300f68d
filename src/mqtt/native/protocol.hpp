#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "mqtt/client.hpp"
#include "mqtt/event.hpp"
#include "mqtt/native/packets.hpp"

namespace linkd::mqtt::native {

// The client's side of one MQTT connection without its I/O: bytes in, events and bytes out, and
// `now` is an argument. It begins with connect() and is over when end() tells how; nothing happens
// after that.
//
// A PUBLISH that comes in is answered in the output at once. Who wants to store it first writes no
// output until that is done: all of it, since a PUBACK may stand anywhere in it. At QoS 2 too the
// message is told when it arrives and the PUBREC waits; until its PUBREL it is told once.
class protocol {
 public:
  explicit protocol(client_settings settings);

  // Puts the CONNECT into the output. errc::invalid: it cannot be said in MQTT.
  result<void> connect(const secret& password);

  // As `client` promises. errc::unavailable too while connack::receive_maximum publishes at QoS 1
  // are unanswered.
  result<packet_id> publish(const message& what);
  result<packet_id> subscribe(const std::vector<std::string>& filters,
                              const subscribe_options& options,
                              std::optional<std::uint32_t> subscription_id);
  result<packet_id> unsubscribe(const std::vector<std::string>& filters);
  void disconnect();

  // Takes whole packets off the front of `in`, at most one batch (limits::capture_batch_*). True:
  // the batch is full, and `in` may hold more packets.
  bool receive(bytes_view& in, time_point now);

  // To be written; then written().
  [[nodiscard]] bytes_view output() const { return bytes_view(output_).substr(written_); }
  void written(std::size_t size, time_point now);

  // When on_deadline() wants to be called: a PINGREQ is due, or its answer late. None before the
  // CONNACK.
  [[nodiscard]] std::optional<time_point> deadline() const;
  void on_deadline(time_point now);
  // The connection could not be heard until now: that is no silence of the broker's.
  void heard_again(time_point now) { last_in_ = now; }

  // Nothing that we write arrives any more: what comes at QoS 1 and 2 will come again, since nobody
  // acknowledges it, and is not told.
  void unheard() { unheard_ = true; }

  // What has happened since the last call, in order.
  std::vector<event>& events() { return events_; }

  [[nodiscard]] bool is_up() const { return up_ && !end_; }
  // The text has yet to be told where the broker is.
  [[nodiscard]] const std::optional<end_of_connection>& end() const { return end_; }

 private:
  enum class request { publish, publish_at_qos0, subscribe, unsubscribe };
  struct unwritten_publish {
    std::uint64_t end;  // of its packet, counted in bytes of output since the beginning
    std::uint16_t id;
  };

  result<std::uint16_t> new_id();
  result<packet_id> requested(std::uint16_t id, request what, const result<void>& put);
  bool answers(std::uint16_t id, request what);

  result<void> handle(const packet& in);
  result<void> handle_connack(const packet& in);
  result<void> handle_publish(const packet& in);
  result<void> handle_puback(const packet& in);
  result<void> handle_pubrel(const packet& in);
  result<void> handle_subscription_answer(const packet& in);
  result<void> handle_disconnect(const packet& in);
  void fail(const error& why);

  client_settings settings_;
  std::size_t incoming_bytes_max_;
  std::size_t outgoing_bytes_max_ = packet_bytes_max;
  bool up_ = false;
  bool unheard_ = false;
  connack granted_;
  std::optional<end_of_connection> end_;
  std::vector<event> events_;
  std::size_t batch_messages_ = 0;
  std::size_t batch_acknowledged_ = 0;  // of these, above QoS 0
  std::size_t batch_bytes_ = 0;

  bytes output_;
  std::size_t written_ = 0;           // of output_
  std::uint64_t written_before_ = 0;  // bytes before output_
  std::deque<unwritten_publish> unwritten_;

  std::uint16_t last_id_ = 0;
  boost::unordered_flat_map<std::uint16_t, request> requests_;  // unanswered, at QoS 0 unwritten
  std::size_t unanswered_publishes_ = 0;
  std::unordered_set<std::uint16_t> unreleased_;  // received at QoS 2, without its PUBREL

  seconds keepalive_;
  time_point last_in_{}, last_out_{};
  std::optional<time_point> pinged_at_;
};

}  // namespace linkd::mqtt::native

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mqtt_linkd/message.hpp"
#include "mqtt_linkd/result.hpp"

namespace linkd {

// What the local broker granted for one connection.
struct broker_session {
  bool mqtt5 = true;
  bool session_present = true;  // false although we had one: messages may be missing
  std::size_t publishes_inflight_max = 128;
  std::vector<std::string> weaker = {};  // in words: what this broker does not do, what mends it
};

// Our own name for one publish until its outcome is known.
using publication_id = std::uint64_t;

// The broker's reason code for a publish (MQTT 5, section 3.4.2.1; 0 with MQTT 3.1.1), >= 0x80:
// refused. A QoS 0 message has 0 once it is written.
struct publish_outcome {
  publication_id id;
  std::uint8_t reason_code;
};

// Called on the main thread, never from inside a call of `broker`.
class broker_events {
 public:
  virtual ~broker_events() = default;
  virtual void on_broker_up(const broker_session& session) = 0;
  // The connection is gone, with every publish whose outcome was not told, or an attempt to make
  // one has failed. `by_peer`: the broker closed it, or answered everything but a publish (perhaps
  // because of what we sent), not a time-out of the network or ourselves. The adapter connects
  // again by itself unless stopped.
  virtual void on_broker_down(const error& reason, bool by_peer) = 0;
  // A batch of captured messages, in the broker's order, once each and none of our own; of a
  // resumed session perhaps before on_broker_up(). From here to commit_done() the adapter neither
  // reads nor writes its socket, so no PUBACK leaves.
  virtual void on_captured(std::vector<message> batch) = 0;
  // All that became known at once.
  virtual void on_published(const std::vector<publish_outcome>& outcomes) = 0;
  // The broker does not let us have a filter of the capture set; told once a connection.
  virtual void on_capture_refused(const std::string& filter, std::uint8_t reason_code) = 0;
};

// The local broker. One thread, no call blocks.
class broker {
 public:
  virtual ~broker() = default;
  // Connects, and again after every loss, until stop().
  virtual void start(broker_events& events) = 0;
  // Disconnects in good order; what was not PUBACKed stays with the broker. No event follows.
  virtual void stop() = 0;
  // Replaces the set of filters we subscribe to: a minimal union. Kept over connections.
  virtual void capture(std::vector<std::string> filters) = 0;
  // Only between on_broker_up and on_broker_down, and with at most publishes_inflight_max outcomes
  // open. errc::too_large, errc::invalid: this message can never be published here.
  virtual result<void> publish(publication_id id, const message& what) = 0;
  // Answers on_captured. `stored`: the PUBACKs may leave. Otherwise the connection is dropped
  // without them, as by stop(): the broker keeps the messages until start().
  virtual void commit_done(bool stored) = 0;
  // Messages that never reached on_captured: over max_message with MQTT 3.1.1.
  [[nodiscard]] virtual std::uint64_t oversize_total() const = 0;
};

}  // namespace linkd

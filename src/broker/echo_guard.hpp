#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include "mqtt_linkd/bytes.hpp"
#include "mqtt_linkd/message.hpp"

namespace linkd::broker_adapter {

// MQTT 3.1.1 has no No Local: a publish of ours that one of our own filters matches comes back like
// anybody's message, and nothing in the packet tells whose it was. The guard counts such publishes
// by content and swallows as many captured messages of that content.
//
// Why that is right. Let n publishes of ours and m of others carry the same topic and payload. The
// broker hands us n + m of them, and any m are what the others sent: swallowing the first n that
// arrive and passing on m is indistinguishable from swallowing "ours". QoS is not compared: the
// broker may lower it on the way.
//
// Where it could go wrong: a counted publish whose echo never comes (the connection broke before
// the broker had it, or the broker dropped the echo) would swallow a message of somebody else
// later. Hence the barrier: a message with a unique payload, published on the same connection to a
// topic of ours that only we subscribe to. The broker handles the packets of one connection in
// order and feeds one session from one queue in order; so when the barrier comes back, every echo
// of a publish before it has come already or never will: those counts are dropped. After a
// connection is resumed the session's queue holds the echoes of what was in flight at the loss, and
// the first barrier of the new connection stands behind them: it is awaited before the first new
// publish. A session that was lost takes its echoes with it: clear(). A batch that was never
// acknowledged is delivered again, so what it swallowed is counted again: connection_lost().
//
// A broker with a queue for each subscription (NATS) may hand us the barrier before the echoes it
// should stand behind. There only the next barrier drops the counts: a second later, or 1000
// publishes.
//
// The other mistake, an echo taken for somebody's message, ends in one repetition at the deployment
// it came from. It remains possible for what was in flight when this process died, or whose PUBACK
// was under way when the connection broke (taking a redelivery for an echo could cost a message
// instead); when two of our filters overlap while the set changes on a broker that delivers one
// copy for each (the caller holds publishes back meanwhile); and with brokers that rename topics or
// let QoS 1 overtake QoS 0.
//
// Pure; memory is bounded by what the caller publishes before full() says stop.
class echo_guard {
 public:
  static constexpr std::size_t barrier_interval = 1000;  // counted publishes
  static constexpr std::size_t counted_max = 10 * barrier_interval;

  // `one_queue`: the broker feeds one session from one queue.
  explicit echo_guard(bool one_queue = true) : one_queue_(one_queue) {}

  // A publish that a filter of ours matches was handed to the broker.
  void published(const message& what);
  // True: this captured message is (as good as) an echo, drop it.
  bool swallow(const message& captured);
  // Everything read so far will be acknowledged to the broker.
  void released() { swallowed_.clear(); }

  // The payload of a new barrier; `unique` must never repeat. Replaces an outstanding one.
  bytes begin_barrier(std::uint64_t unique);
  // True if it was the outstanding barrier.
  bool end_barrier(bytes_view payload);
  [[nodiscard]] bool barrier_outstanding() const { return !barrier_.empty(); }
  [[nodiscard]] bool barrier_due() const { return after_.total >= barrier_interval; }

  void connection_lost();
  void clear();
  [[nodiscard]] bool empty() const { return counted() == 0; }
  // No further publish may be counted before a barrier has come back.
  [[nodiscard]] bool full() const { return counted() >= counted_max; }

 private:
  using fingerprint = std::array<unsigned char, 16>;  // of SHA-256 over topic and payload
  struct fingerprint_hash {
    std::size_t operator()(const fingerprint& of) const {
      std::size_t out = 0;
      std::memcpy(&out, of.data(), sizeof out);
      return out;
    }
  };
  struct counts {
    std::unordered_map<fingerprint, std::size_t, fingerprint_hash> of;
    std::size_t total = 0;
    void add(const fingerprint& which, std::size_t count = 1);
    bool take(const fingerprint& which);
  };
  static fingerprint fingerprint_of(const message& what);
  [[nodiscard]] std::size_t counted() const { return late_.total + before_.total + after_.total; }

  const bool one_queue_;
  counts late_;    // their barrier has come back, and from several queues
  counts before_;  // the outstanding barrier was published after these
  counts after_;
  std::vector<fingerprint> swallowed_;  // since the last released()
  bytes barrier_;
};

}  // namespace linkd::broker_adapter

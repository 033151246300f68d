#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/histogram.hpp"
#include "mqtt_linkd/settings.hpp"
#include "mqtt_linkd/time.hpp"

// What the daemon can tell about itself: values only, copied out of the running core for the admin
// layer, the log's status line and tests. Every counter counts from the start of the daemon.
namespace linkd::link {

enum class link_state { disabled, connecting, handshaking, up, refused, down, paused };
inline constexpr link_state all_link_states[] = {
    link_state::disabled, link_state::connecting, link_state::handshaking, link_state::up,
    link_state::refused,  link_state::down,       link_state::paused};
std::string_view to_string(link_state state);

enum class drop_reason {
  overflow,    // queue.max_bytes
  age,         // queue.max_age
  expired,     // Message Expiry Interval
  oversize,    // larger than the peer or max_message takes
  loop,        // its path names us
  rejected,    // dead letter: the local broker refused it, or we crash of it
  not_wanted,  // the peer sent what we did not ask for
  damaged,     // the disk returned something else
  qos0_down,   // QoS 0, qos0: live, link down
  purged       // an operator said so
};
inline constexpr drop_reason all_drop_reasons[] = {
    drop_reason::overflow,  drop_reason::age,      drop_reason::expired,    drop_reason::oversize,
    drop_reason::loop,      drop_reason::rejected, drop_reason::not_wanted, drop_reason::damaged,
    drop_reason::qos0_down, drop_reason::purged};
inline constexpr std::size_t drop_reason_count = std::size(all_drop_reasons);
std::string_view to_string(drop_reason reason);

struct link_counters {
  std::uint64_t connects = 0;            // sessions established
  std::uint64_t messages_queued = 0;     // captured and appended for this link
  std::uint64_t messages_sent = 0;       // handed to the transport, repeats included
  std::uint64_t messages_acked = 0;      // released by the peer's acknowledgement
  std::uint64_t messages_received = 0;   // new records taken over from the peer
  std::uint64_t messages_published = 0;  // accepted by the local broker
  std::uint64_t dropped[drop_reason_count] = {};
  std::uint64_t payload_bytes_in = 0, payload_bytes_out = 0;  // application payload received, sent
  std::uint64_t wire_bytes_in = 0, wire_bytes_out = 0;        // frames received, sent
  std::uint64_t interest_updates_in = 0, interest_updates_out = 0;
  histogram delivery_latency;  // capture to acknowledgement
};

struct link_status {
  std::string name;
  link_state state = link_state::connecting;
  std::string reason;  // one line, never empty
  stamp since;
  link_counters counters;
  std::uint64_t queue_messages = 0, queue_bytes = 0, queue_limit_bytes = 0;
  std::optional<stamp> queue_oldest;
  std::uint64_t inflight_bytes = 0;
  std::uint64_t interest_filters_in = 0;   // what the peer asks of us
  std::uint64_t interest_filters_out = 0;  // what we ask of it
  std::uint64_t interest_topics = 0;       // what we may ask of it: `topics`
  std::uint64_t interest_wanted = 0;       // intersections of `topics` with local subscriptions
  bool interest_summarized = false;        // too many to be asked for one by one
  std::optional<microseconds> round_trip;
};

struct broker_status {
  bool up = false;
  std::string reason;  // "connected (MQTT 5)", "connection refused", "no room on disk"
  stamp since;
  std::uint64_t sessions_lost = 0;  // connections that did not find our session: gaps possible
};

// What local clients are subscribed to, as far as it is known.
struct interest_status {
  interest_source source = interest_source::fixed;
  bool complete = true;  // `topics` are narrowed as the source says; always with a fixed one
  std::string reason;    // one line, never empty; if not complete, what to do about it
  std::uint64_t local_filters = 0;
};

struct deployment_status {
  std::string deployment;
  broker_status broker;
  interest_status interest;
  std::uint64_t capture_filters = 0;    // what we are subscribed to at the local broker
  std::uint64_t messages_captured = 0;  // and stored
  histogram commit_time;
  std::vector<link_status> links;  // by name
};

}  // namespace linkd::link

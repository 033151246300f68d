#pragma once

#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "mqtt/client.hpp"

namespace linkd::mqtt {

// What a broker said, kept by a client until it may call its client_events.
struct published {
  packet_id id;
  std::uint8_t reason_code;
};
struct subscribed {
  packet_id id;
  std::vector<std::uint8_t> reason_codes;
};
struct unsubscribed {
  packet_id id;
};
using event = std::variant<connack, received_message, published, subscribed, unsubscribed>;

// It is part of what on_batch_told() ends.
inline bool is_batched(const event& what) {
  return std::holds_alternative<received_message>(what) || std::holds_alternative<published>(what);
}

// Calls the one of `to` that `what` is for.
inline void tell(client_events& to, event& what) {
  if (auto* granted = std::get_if<connack>(&what)) {
    to.on_connected(*granted);
  } else if (auto* in = std::get_if<received_message>(&what)) {
    to.on_message(std::move(*in));
  } else if (auto* done = std::get_if<published>(&what)) {
    to.on_published(done->id, done->reason_code);
  } else if (auto* answer = std::get_if<subscribed>(&what)) {
    to.on_subscribed(answer->id, answer->reason_codes);
  } else if (auto* end = std::get_if<unsubscribed>(&what)) {
    to.on_unsubscribed(end->id);
  }
}

}  // namespace linkd::mqtt

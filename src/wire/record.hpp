#pragma once

#include <cstdint>
#include <optional>

#include "mqtt_linkd/message.hpp"
#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/time.hpp"

// A record: one message as it is queued and sent, encoded once at capture (wire/PROTOCOL.md,
// "Record"): a small fixed header, then topic, properties and payload in MQTT 5's own PUBLISH
// encoding.
namespace linkd::wire {

struct record {
  stamp captured_at;
  message content;
};

// What the queue's reader needs without decoding the rest.
struct record_head {
  stamp captured_at;
  std::uint8_t qos = 0;
  std::optional<std::uint32_t> expiry_s;  // Message Expiry Interval as captured
  std::uint64_t payload_bytes = 0;
};

bytes encode_record(stamp captured_at, const message& content);
// The same record with the retain flag cleared.
bytes without_retain(bytes_view encoded);
result<record_head> peek_record(bytes_view encoded);
result<record> decode_record(bytes_view encoded);

}  // namespace linkd::wire

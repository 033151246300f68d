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

// The shortest record there is: one byte of topic, no property, no payload.
inline constexpr std::size_t record_bytes_min = 14;

// `content` obeys the lengths of MQTT and qos <= 1, as what a broker handed us does.
bytes encode_record(stamp captured_at, const message& content);
// The same record with the retain flag cleared; `encoded` is a record of ours.
bytes without_retain(bytes_view encoded);
// errc::version (a record of another format), errc::corrupt. Checks no more than it reads.
result<record_head> peek_record(bytes_view encoded);
// errc::version, errc::corrupt: anything but a message that a publisher may send (MQTT 5, sections
// 3.3.2 and 4.7), so that what it answers may be published without another check.
result<record> decode_record(bytes_view encoded);

}  // namespace linkd::wire

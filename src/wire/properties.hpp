#pragma once

#include <cstdint>
#include <optional>

#include "mqtt_linkd/message.hpp"
#include "mqtt_linkd/result.hpp"

// The properties of a PUBLISH in MQTT's own encoding (MQTT 5, sections 1.5, 2.2.2 and 3.3.2.3).
namespace linkd::wire {

// Two-byte length, then the bytes: Binary Data and UTF-8 strings (sections 1.5.4 and 1.5.6).
void put_binary(bytes& out, bytes_view value);
std::optional<bytes_view> take_binary(bytes_view& in);

// Property Length and properties (section 2.2.2).
void put_property_bytes(bytes& out, bytes_view encoded);
std::optional<bytes_view> take_property_bytes(bytes_view& in);

// The Message Expiry Interval comes first, so that find_expiry() is cheap.
bytes encode_properties(const publish_properties& from);
// Takes the value of the property `id` off the front of `in`. False, and `in` anywhere: it is cut
// off, malformed, doubled, or does not belong to a publisher.
bool take_property(unsigned char id, bytes_view& in, publish_properties& out);
// errc::corrupt: a property that is cut off, malformed, doubled, or does not belong to a publisher.
result<publish_properties> decode_properties(bytes_view in);
// The Message Expiry Interval without decoding the others. errc::corrupt as above, as far as it
// read.
result<std::optional<std::uint32_t>> find_expiry(bytes_view in);

}  // namespace linkd::wire

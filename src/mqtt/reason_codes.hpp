#pragma once

#include <cstdint>
#include <string>

namespace linkd::mqtt {

// What a reason code of a CONNACK (with 3.1.1: 1 to 5) or a DISCONNECT says, in words: MQTT 5,
// sections 3.2.2.2 and 3.14.2.1; MQTT 3.1.1, section 3.2.2.3.
std::string reason_text(std::uint8_t code);

}  // namespace linkd::mqtt

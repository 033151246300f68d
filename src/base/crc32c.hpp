#pragma once

#include <cstdint>

#include "mqtt_linkd/bytes.hpp"

namespace linkd {

// CRC-32C (Castagnoli) as in RFC 3720, appendix B.4: crc32c("123456789") == 0xe3069283.
std::uint32_t crc32c(bytes_view data);

}  // namespace linkd

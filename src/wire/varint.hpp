#pragma once

#include <cstdint>
#include <optional>

#include "mqtt_linkd/bytes.hpp"

// Integers of 7 bits a byte, least significant first, bit 7 set in all bytes but the last: MQTT's
// Variable Byte Integer (MQTT 5, section 1.5.5) is one of at most 4 bytes, a block's are of at most
// 10.
namespace linkd::wire {

inline void put_varint(bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

// Takes one off the front of `in`; none if it is cut off, longer than `bytes_max`, over 64 bits or
// not the shortest form.
inline std::optional<std::uint64_t> take_varint(bytes_view& in, std::size_t bytes_max) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes_max && i < in.size(); ++i) {
    const auto byte = static_cast<unsigned char>(in[i]);
    if (i == 9 && byte > 1) return std::nullopt;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if (byte & 0x80) continue;
    if (byte == 0 && i > 0) return std::nullopt;
    in.remove_prefix(i + 1);
    return value;
  }
  return std::nullopt;
}

}  // namespace linkd::wire

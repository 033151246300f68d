#pragma once

#include <concepts>
#include <cstdint>
#include <optional>

#include "mqtt_linkd/bytes.hpp"

// Fixed-width integers in little-endian order, as every format of ours stores them.
namespace linkd {

template <std::unsigned_integral T>
void put_le(bytes& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

// The integer at the front of `in`; `in` must hold sizeof(T) bytes.
template <std::unsigned_integral T>
T get_le(bytes_view in) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(
        value | static_cast<T>(static_cast<T>(static_cast<unsigned char>(in[i])) << (8 * i)));
  }
  return value;
}

// Takes an integer off the front of `in`; none, and `in` untouched, if it is too short.
template <std::unsigned_integral T>
std::optional<T> take_le(bytes_view& in) {
  if (in.size() < sizeof(T)) return std::nullopt;
  const T value = get_le<T>(in);
  in.remove_prefix(sizeof(T));
  return value;
}

}  // namespace linkd

#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>

#include "mqtt_linkd/bytes.hpp"

// Fixed-width integers in little-endian order, as every format of ours stores them.
namespace linkd {

template <std::unsigned_integral T>
std::array<char, sizeof(T)> to_le(T value) {
  std::array<char, sizeof(T)> out;
  for (std::size_t i = 0; i < sizeof(T); ++i) out[i] = static_cast<char>(value >> (8 * i));
  return out;
}

template <std::unsigned_integral T>
void put_le(bytes& out, T value) {
  const auto encoded = to_le(value);
  out.append(encoded.data(), encoded.size());
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

#pragma once

#include <string>

#include "mqtt_linkd/bytes.hpp"

namespace linkd::test {

// Lower case, two digits a byte.
inline std::string hex(bytes_view data) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char each : data) {
    out.push_back(digits[static_cast<unsigned char>(each) >> 4]);
    out.push_back(digits[static_cast<unsigned char>(each) & 15]);
  }
  return out;
}

inline bytes unhex(const std::string& digits) {
  bytes out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  return out;
}

}  // namespace linkd::test

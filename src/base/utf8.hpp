#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace linkd {

// The bytes of the character that `text`, which is not empty, begins with; 0 if it is not
// well-formed UTF-8 (RFC 3629: neither overlong nor a surrogate nor above U+10FFFF).
inline std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const std::uint8_t second = byte(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second >= 0xa0;
  const bool too_high = first == 0xf4 && second >= 0x90;
  return overlong || surrogate || too_high ? 0 : length;
}

// Whether `text`, of eight bytes or more, begins with eight ASCII characters.
inline bool begins_with_ascii(std::string_view text) {
  std::uint64_t eight = 0;
  std::memcpy(&eight, text.data(), sizeof eight);
  return (eight & 0x8080'8080'8080'8080) == 0;
}

inline bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    if (text.size() >= 8 && begins_with_ascii(text)) {  // as most topics are, every message's
      text.remove_prefix(8);
      continue;
    }
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace linkd

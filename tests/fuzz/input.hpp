#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "mqtt_linkd/bytes.hpp"

namespace linkd::fuzz {

// The bytes a fuzzer invents, taken one decision at a time; zeros once they are used up.
class input {
 public:
  input(const std::uint8_t* data, std::size_t size)
      : left_(reinterpret_cast<const char*>(data), size) {}

  [[nodiscard]] bool empty() const { return left_.empty(); }
  std::uint8_t octet() {
    const bytes_view one = take(1);
    return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one[0]);
  }
  std::uint64_t number(std::size_t octets) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < octets; ++i) value = value << 8 | octet();
    return value;
  }
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : number(2) % bound; }
  bytes_view take(std::size_t size) {
    const bytes_view taken = left_.substr(0, size);
    left_.remove_prefix(taken.size());
    return taken;
  }
  // A length in two bytes, then as much.
  bytes_view text() { return take(number(2)); }
  bytes_view rest() { return take(left_.size()); }

 private:
  bytes_view left_;
};

// A property that must hold whatever the input is.
inline void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

}  // namespace linkd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

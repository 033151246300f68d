#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linkd::bench {

// What is sent: telemetry as JSON text, the same as binary numbers that drift, or random bytes that
// no compression makes smaller.
enum class payload_kind { json, binary, random };
std::optional<payload_kind> payload_kind_from(std::string_view name);

struct stamp {
  std::uint64_t number = 0;
  std::uint64_t sent_us = 0;  // of the steady clock
};

// Makes payloads of one size that differ from each other over more bytes than any batch holds, each
// with a stamp in front. The same seed makes the same ones.
class payloads {
 public:
  // At least payload_bytes_min.
  payloads(payload_kind kind, std::size_t size_bytes);
  // Valid until the next call.
  std::string_view make(const stamp& mark);
  // None if it is none of ours.
  [[nodiscard]] std::optional<stamp> read(std::string_view payload) const;

 private:
  payload_kind kind_;
  std::size_t size_bytes_;
  std::vector<std::string> pool_;
};

inline constexpr std::size_t payload_bytes_min = 40;

}  // namespace linkd::bench

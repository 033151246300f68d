#include "base/crc32c.hpp"

#include <boost/crc.hpp>

#ifdef __x86_64__
#include <nmmintrin.h>

#include <cstring>
#endif

namespace linkd {
namespace {

std::uint32_t by_table(bytes_view data) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(data.data(), data.size());
  return crc.checksum();
}

#ifdef __x86_64__
// With the table a third of the time of a daemon that sends 16 KiB messages went into this.
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(bytes_view data) {
  std::uint64_t crc = 0xFFFFFFFF;
  for (; data.size() >= sizeof crc; data.remove_prefix(sizeof crc)) {
    std::uint64_t word = 0;
    std::memcpy(&word, data.data(), sizeof word);
    crc = _mm_crc32_u64(crc, word);
  }
  auto rest = static_cast<std::uint32_t>(crc);
  for (const char byte : data) rest = _mm_crc32_u8(rest, static_cast<std::uint8_t>(byte));
  return ~rest;
}
#endif

}  // namespace

std::uint32_t crc32c(bytes_view data) {
#ifdef __x86_64__
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return by_instruction(data);
#endif
  return by_table(data);
}

}  // namespace linkd

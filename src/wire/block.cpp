#include "wire/block.hpp"

#include <zstd.h>

#include <memory>

#include "mqtt_linkd/limits.hpp"
#include "wire/record.hpp"
#include "wire/varint.hpp"

namespace linkd::wire {
namespace {

constexpr int zstd_level = 1;  // the WAN is the bottleneck, but the CPU of a sidecar is not ours
constexpr std::size_t offset_bytes_max = 10;  // a varint of 64 bits
constexpr std::size_t length_bytes_max = 5;   // of 32 bits

error corrupt(const char* text) {
  return {errc::corrupt, std::string("block: ") + text};
}

template <auto free>
struct freed_by {
  void operator()(auto* context) const { free(context); }
};
// Kept by the thread: to make one costs as much as to compress a small block.
ZSTD_CCtx* compressor() {
  thread_local const std::unique_ptr<ZSTD_CCtx, freed_by<ZSTD_freeCCtx>> kept(ZSTD_createCCtx());
  return kept.get();
}
ZSTD_DCtx* decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, freed_by<ZSTD_freeDCtx>> kept(ZSTD_createDCtx());
  return kept.get();
}

}  // namespace

bytes encode_block(std::uint64_t begin, std::span<const numbered_record> records) {
  std::size_t size = 0;
  for (const auto& each : records) size += each.record.size() + block_overhead_bytes_max;
  bytes out;
  out.reserve(size);
  for (const auto& each : records) {
    put_varint(out, each.offset - begin);
    put_varint(out, each.record.size());
    out += each.record;
    begin = each.offset + 1;
  }
  return out;
}

result<std::vector<numbered_record>> decode_block(std::uint64_t begin, std::uint64_t end,
                                                  bytes_view block) {
  std::vector<numbered_record> out;
  while (!block.empty()) {
    const auto skipped = take_varint(block, offset_bytes_max);
    if (!skipped || begin >= end || *skipped >= end - begin) return corrupt("bad offset");
    const auto length = take_varint(block, length_bytes_max);
    if (!length || *length < record_bytes_min || *length > block.size())
      return corrupt("bad record length");
    const auto offset = begin + *skipped;
    out.push_back({offset, block.substr(0, *length)});
    block.remove_prefix(*length);
    begin = offset + 1;
  }
  return out;
}

bytes compress_block(bytes_view block) {
  // Room for a result that pays and no more: zstd gives up where it does not fit.
  bytes out(block.size() - block.size() / 8, '\0');
  const auto size = ZSTD_compressCCtx(compressor(), out.data(), out.size(), block.data(),
                                      block.size(), zstd_level);
  out.resize(ZSTD_isError(size) != 0U ? 0 : size);
  return out;
}

result<bytes> decompress_block(bytes_view compressed, std::uint32_t block_bytes) {
  if (block_bytes > limits::frame_bytes_max) return corrupt("too large once decompressed");
  bytes out(block_bytes, '\0');
  const auto size = ZSTD_decompressDCtx(decompressor(), out.data(), out.size(), compressed.data(),
                                        compressed.size());
  if (ZSTD_isError(size) != 0U || size != block_bytes) return corrupt("does not decompress");
  return out;
}

}  // namespace linkd::wire

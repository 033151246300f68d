#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mqtt_linkd/bytes.hpp"
#include "mqtt_linkd/result.hpp"

// The opaque bytes of a DATA frame: records with their offsets, optionally as one zstd frame
// (wire/PROTOCOL.md, "Block").
namespace linkd::wire {

struct numbered_record {
  std::uint64_t offset = 0;
  bytes_view record;  // into the reader's or the block's memory
};

// What a record adds to a block at most, beside its own bytes.
inline constexpr std::size_t block_overhead_bytes_max = 15;

// Records in ascending order of offset, the first >= begin, each of at least record_bytes_min
// bytes.
bytes encode_block(std::uint64_t begin, std::span<const numbered_record> records);
// Views into `block`. errc::corrupt unless every offset is in [begin, end), ascending, and every
// record has at least record_bytes_min bytes (so the answer is never much larger than the block).
result<std::vector<numbered_record>> decode_block(std::uint64_t begin, std::uint64_t end,
                                                  bytes_view block);

// The zstd frame if it is smaller than the block by at least an eighth, otherwise empty.
bytes compress_block(bytes_view block);
// Never allocates more than block_bytes; errc::corrupt unless it comes out at exactly that size.
result<bytes> decompress_block(bytes_view compressed, std::uint32_t block_bytes);

}  // namespace linkd::wire

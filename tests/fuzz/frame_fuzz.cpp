// Whatever a peer may send as a frame: refused, or a value that is written and read back the same.
#include "tests/fuzz/input.hpp"
#include "wire/block.hpp"
#include "wire/frame.hpp"

using namespace linkd;

namespace {

void blocks(const wire::data& data) {
  bytes block = data.block;
  if (data.compressed) {
    auto plain = wire::decompress_block(block, data.block_bytes);
    if (!plain) return;
    fuzz::must(plain->size() == data.block_bytes, "a block comes out at its size");
    block = std::move(*plain);
  }
  const auto records = wire::decode_block(data.begin, data.end, block);
  if (!records) return;
  const bytes again = wire::encode_block(data.begin, *records);
  const auto same = wire::decode_block(data.begin, data.end, again);
  fuzz::must(same.has_value() && same->size() == records->size(), "a block survives");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view encoded(reinterpret_cast<const char*>(data), size);
  const auto frame = wire::decode(encoded);
  if (!frame) return 0;
  const auto again = wire::decode(wire::encode(*frame));
  fuzz::must(again.has_value() && *again == *frame, "a frame survives");
  if (const auto* carried = std::get_if<wire::data>(&frame->body)) blocks(*carried);
  return 0;
}

#include "wire/block.hpp"

#include <catch2/catch.hpp>

#include "mqtt_linkd/limits.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/wire_builders.hpp"
#include "wire/record.hpp"
#include "wire/varint.hpp"

using namespace linkd;

namespace {

const bytes smallest = test::unhex("0100010000000000000000017400");

bool accepts(std::uint64_t begin, std::uint64_t end, bytes_view block) {
  return wire::decode_block(begin, end, block).has_value();
}

}  // namespace

TEST_CASE("block: the bytes are those that PROTOCOL.md shows") {
  const std::vector<wire::numbered_record> records{{5, smallest}, {8, smallest}};
  const auto block = wire::encode_block(5, records);
  CHECK(test::hex(block) ==
        "000e0100010000000000000000017400"
        "020e0100010000000000000000017400");
  const auto read = wire::decode_block(5, 9, block);
  REQUIRE(read.has_value());
  REQUIRE(read->size() == 2);
  CHECK((*read)[0].offset == 5);
  CHECK((*read)[1].offset == 8);
  CHECK((*read)[1].record == smallest);
}

TEST_CASE("block: any records come back with their offsets") {
  const auto seed = GENERATE(range(1, 101));
  CAPTURE(seed);
  test::random_engine random(static_cast<std::uint64_t>(seed));
  std::vector<bytes> kept;
  for (auto count = test::below(random, 50); count > 0; --count)
    kept.push_back(wire::encode_record(test::random_stamp(random), test::random_message(random)));
  const std::uint64_t begin = test::below(random, 1'000'000'000'000);
  std::uint64_t end = begin;
  std::vector<wire::numbered_record> records;
  for (const auto& each : kept) {
    end += test::below(random, 300);
    records.push_back({end++, each});
  }
  const auto block = wire::encode_block(begin, records);
  const auto read = wire::decode_block(begin, end, block);
  REQUIRE(read.has_value());
  REQUIRE(read->size() == records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    CHECK((*read)[i].offset == records[i].offset);
    CHECK((*read)[i].record == records[i].record);
  }
  std::size_t size = 0;
  for (const auto& each : kept) size += each.size() + wire::block_overhead_bytes_max;
  CHECK(block.size() <= size);
}

TEST_CASE("block: without records it is empty and valid") {
  CHECK(wire::encode_block(7, {}).empty());
  CHECK(accepts(7, 9, ""));
}

TEST_CASE("block: an offset outside its block is corrupt") {
  const std::vector<wire::numbered_record> records{{5, smallest}, {8, smallest}};
  const auto block = wire::encode_block(5, records);
  CHECK(accepts(5, 9, block));
  CHECK_FALSE(accepts(5, 8, block));
  CHECK_FALSE(accepts(5, 5, block));
  bytes huge;
  wire::put_varint(huge, UINT64_MAX);
  CHECK_FALSE(accepts(5, 9, huge + block.substr(1)));
}

TEST_CASE("block: a record shorter than the shortest or longer than the block is corrupt") {
  CHECK_FALSE(accepts(0, 9, test::unhex("00") + '\x0d' + smallest.substr(0, 13)));
  CHECK_FALSE(accepts(0, 9, test::unhex("00") + '\x0f' + smallest));
  CHECK_FALSE(accepts(0, 9, test::unhex("0000")));
}

TEST_CASE("block: cut or with any byte changed it never reads outside") {
  const std::vector<wire::numbered_record> records{{5, smallest}, {8, smallest}};
  const auto block = wire::encode_block(5, records);
  for (std::size_t size = 1; size < block.size(); ++size) {
    CAPTURE(size);
    CHECK(accepts(5, 9, block.substr(0, size)) == (size == 16));
  }
  for (std::size_t at = 0; at < block.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      bytes changed = block;
      changed[at] = static_cast<char>(value);
      const auto read = wire::decode_block(5, 9, changed);
      if (read.has_error()) continue;
      for (const auto& each : *read) REQUIRE((each.offset >= 5 && each.offset < 9));
    }
  }
}

TEST_CASE("block: a varint is the shortest form of 64 bits at most") {
  const std::uint64_t value = GENERATE(0u, 127u, 128u, 16383u, 16384u, UINT64_MAX);
  CAPTURE(value);
  bytes encoded;
  wire::put_varint(encoded, value);
  bytes_view in = encoded;
  CHECK(wire::take_varint(in, 10) == value);
  CHECK(in.empty());
  in = bytes_view(encoded).substr(0, encoded.size() - 1);
  CHECK_FALSE(wire::take_varint(in, 10));
  bytes_view longer = "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02";
  CHECK_FALSE(wire::take_varint(longer, 10));
}

TEST_CASE("block: compression pays or is not done") {
  test::random_engine random(1);
  const bytes text(10'000, 'a');
  const auto compressed = wire::compress_block(text);
  REQUIRE_FALSE(compressed.empty());
  CHECK(compressed.size() <= text.size() - text.size() / 8);
  const auto read = wire::decompress_block(compressed, 10'000);
  REQUIRE(read.has_value());
  CHECK(*read == text);

  CHECK(wire::compress_block(test::random_bytes(random, 10'000)).empty());
  CHECK(wire::compress_block("").empty());
  CHECK(wire::compress_block("a").empty());
}

TEST_CASE("block: decompression answers exactly the size that was said, or an error") {
  const bytes bomb(limits::frame_bytes_max, '\0');
  const auto compressed = wire::compress_block(bomb);
  REQUIRE(compressed.size() < 1000);
  CHECK(wire::decompress_block(compressed, limits::frame_bytes_max).has_value());
  CHECK(wire::decompress_block(compressed, 1000).has_error());
  CHECK(wire::decompress_block(compressed, limits::frame_bytes_max - 1).has_error());
  CHECK(wire::decompress_block(compressed, limits::frame_bytes_max + 1).has_error());
  CHECK(wire::decompress_block(compressed + 'x', limits::frame_bytes_max).has_error());
  const auto large = wire::compress_block(bytes(64u << 20, '\0'));
  REQUIRE(large.size() < limits::frame_bytes_max);
  CHECK(wire::decompress_block(large, limits::frame_bytes_max).has_error());
  CHECK(wire::decompress_block(large, 64u << 20).has_error());
  CHECK(wire::decompress_block("", 10).has_error());
  CHECK(wire::decompress_block("not zstd", 10).has_error());
  const auto small = wire::compress_block(bytes(2000, 'a'));
  for (std::size_t size = 0; size < small.size(); ++size)
    CHECK(wire::decompress_block(small.substr(0, size), 2000).has_error());
}

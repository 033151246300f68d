#include "queue/format.hpp"

#include <catch2/catch.hpp>

#include "base/coding.hpp"
#include "base/crc32c.hpp"
#include "queue/slot_file.hpp"
#include "tests/support/memory_storage.hpp"

// The bytes of src/queue/FORMAT.md, written down by hand.
namespace linkd::queue {
namespace {

// "6c 69" to bytes; blanks are ignored.
bytes hex(bytes_view text) {
  bytes out;
  int high = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      out.push_back(static_cast<char>(high * 16 + digit));
      high = -1;
    }
  }
  return out;
}

bytes with_crc(bytes covered) {
  put_le(covered, crc32c(covered));
  return covered;
}

bytes padded(bytes front, std::size_t size) {
  front.resize(size, '\0');
  return front;
}

TEST_CASE("queue format: segment header") {
  segment_header header;
  header.log_id = 0x1122334455667788;
  header.number = 42;
  header.first_offset = 0x0102030405060708;
  header.body_bytes_before = 0x10000;
  header.first_captured_ms = 1'700'000'000'000;
  const auto once =
      with_crc("linkdseg" + hex("01 00 00 00  00 00 00 00  88 77 66 55 44 33 22 11"
                                "2a 00 00 00 00 00 00 00  08 07 06 05 04 03 02 01"
                                "00 00 01 00 00 00 00 00  00 68 e5 cf 8b 01 00 00  00 00 00 00"));
  REQUIRE(once.size() == 64);
  const auto golden = padded(padded(once, 512) + once, 1024);
  CHECK(encode(header) == golden);

  segment_header read;
  CHECK(decode(golden, read) == header_state::good);
  CHECK(read == header);
  for (std::size_t i = 0; i < 64; ++i) {
    auto one_bad = golden;
    one_bad[i] = static_cast<char>(one_bad[i] ^ 1);
    CHECK(decode(one_bad, read) == header_state::good);
    one_bad[512 + i] = static_cast<char>(one_bad[512 + i] ^ 1);
    CHECK(decode(one_bad, read) == header_state::bad);
  }
  CHECK(decode(bytes(1024, '\0'), read) == header_state::zero);
  CHECK(decode("", read) == header_state::zero);
}

TEST_CASE("queue format: record") {
  const std::uint64_t log_id = 0x1122334455667788;
  record_header header;
  header.offset = 7;
  header.captured_ms = 1'700'000'000'000;
  header.index_in_commit = 3;
  bytes out = "before";
  append_record(out, log_id, header, "hello");
  const auto fields = hex("05 00 00 00  07 00 00 00 00 00 00 00  00 68 e5 cf 8b 01 00 00  ") + [] {
    bytes crc;
    put_le(crc, crc32c("hello"));
    return crc;
  }() + hex("03 00 00 00");
  bytes golden = "before";
  put_le(golden, crc32c(hex("88 77 66 55 44 33 22 11") + fields));
  golden += fields + "hello" + bytes(3, '\0');
  CHECK(out == golden);
  CHECK(record_stride(5) == 40);

  const auto read = decode_record_header(bytes_view(golden).substr(6), log_id);
  REQUIRE(read);
  CHECK(read->length == 5);
  CHECK(read->offset == 7);
  CHECK(read->captured_ms == 1'700'000'000'000);
  CHECK(read->body_crc == crc32c("hello"));
  CHECK(read->index_in_commit == 3);
  CHECK_FALSE(decode_record_header(bytes_view(golden).substr(6), log_id + 1));
  CHECK_FALSE(decode_record_header(bytes_view(golden).substr(6, 31), log_id));
  CHECK_FALSE(decode_record_header(bytes(32, '\0'), log_id));
}

TEST_CASE("queue format: checkpoint") {
  checkpoint value{checkpoint::closed, 0x1122334455667788, 2, 3, 4};
  const auto golden =
      hex("01 00 00 00  01 00 00 00  88 77 66 55 44 33 22 11  02 00 00 00 00 00 00 00"
          "03 00 00 00 00 00 00 00  04 00 00 00 00 00 00 00");
  CHECK(encode(value) == golden);
  CHECK(decode_checkpoint(golden) == value);
  CHECK_FALSE(decode_checkpoint(golden + "x"));
  CHECK_FALSE(decode_checkpoint("\2" + golden.substr(1)));
  auto backwards = golden;
  backwards[24] = 5;
  CHECK_FALSE(decode_checkpoint(backwards));

  value.rename(9, 4);
  const auto renamed = golden.substr(0, 16) + hex("09 00 00 00 00 00 00 00") + golden.substr(24) +
                       hex("02 00 00 00 00 00 00 00  04 00 00 00 00 00 00 00");
  CHECK(encode(value) == renamed);
  CHECK(decode_checkpoint(renamed) == value);
  CHECK_FALSE(decode_checkpoint(renamed.substr(0, renamed.size() - 1)));
}

TEST_CASE("queue format: a checkpoint remembers the latest former ids, as many as fit") {
  checkpoint value{0, 1, 100, 3, 4};
  for (std::uint64_t i = 1; i <= checkpoint::former_max + 1; ++i) value.rename(100 + i, i);
  REQUIRE(value.former.size() == checkpoint::former_max);
  CHECK(value.former.front() == former_id{101, 2});
  CHECK(value.former.back() == former_id{100 + checkpoint::former_max, checkpoint::former_max + 1});
  CHECK(encode(value).size() <= slot_file::value_bytes_max);
  CHECK(decode_checkpoint(encode(value)) == value);
  auto more = encode(value) + bytes(16, 'x');
  CHECK_FALSE(decode_checkpoint(more));
}

TEST_CASE("queue format: names of segments") {
  CHECK(segment_name(42) == "0000000042.seg");
  CHECK(segment_number("0000000042.seg") == 42);
  for (const auto* other : {"42.seg", "0000000042.sex", "000000004x.seg", "-000000042.seg", ".seg",
                            "00000000042.seg", "checkpoint", ""})
    CHECK_FALSE(segment_number(other));
}

TEST_CASE("queue format: slot file") {
  test::memory_storage disk;
  auto opened = slot_file::open(disk, "slots");
  REQUIRE(opened.has_value());
  CHECK(disk.contents("slots") == bytes(1024, '\0'));
  REQUIRE(opened->write("value", true).has_value());
  REQUIRE(opened->write("next", true).has_value());
  const auto slot = [](bytes_view generation, bytes_view length, const bytes& value) {
    return padded(with_crc("linkdslt" + hex(generation) + hex(length) + value), 512);
  };
  CHECK(disk.contents("slots") == slot("01 00 00 00 00 00 00 00", "05 00 00 00", "value") +
                                      slot("02 00 00 00 00 00 00 00", "04 00 00 00", "next"));
}

}  // namespace
}  // namespace linkd::queue

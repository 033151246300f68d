#include <boost/crc.hpp>
#include <catch2/catch.hpp>

#include "base/backoff.hpp"
#include "base/coding.hpp"
#include "base/crc32c.hpp"
#include "base/histogram.hpp"
#include "base/takeover_watch.hpp"
#include "base/utf8.hpp"
#include "mqtt_linkd/settings.hpp"

using namespace linkd;

namespace {

class fixed_random : public random_source {
 public:
  explicit fixed_random(std::uint64_t value) : value_(value) {}
  std::uint64_t next() override { return value_; }

 private:
  std::uint64_t value_;
};

}  // namespace

TEST_CASE("coding: integers are little-endian and taken back off the front", "[base]") {
  bytes out;
  put_le<std::uint32_t>(out, 0x04030201);
  put_le<std::uint8_t>(out, 0xff);
  CHECK(out == std::string("\x01\x02\x03\x04\xff"));
  bytes_view in = out;
  CHECK(take_le<std::uint32_t>(in) == 0x04030201u);
  CHECK(take_le<std::uint16_t>(in) == std::nullopt);
  CHECK(take_le<std::uint8_t>(in) == 0xff);
  CHECK(in.empty());
}

TEST_CASE("crc32c: the check value of RFC 3720", "[base]") {
  CHECK(crc32c("123456789") == 0xe3069283u);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aau);
}

TEST_CASE("crc32c: agrees with the definition for every length and alignment", "[base]") {
  std::string data(256, '\0');
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 167 + 13);
  for (std::size_t begin = 0; begin < 16; ++begin) {
    for (std::size_t size = 0; size < 100; ++size) {
      const bytes_view part = bytes_view(data).substr(begin, size);
      boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> defined;
      defined.process_bytes(part.data(), part.size());
      REQUIRE(crc32c(part) == defined.checksum());
    }
  }
}

TEST_CASE("backoff: doubles up to its maximum and stays in the upper half", "[base]") {
  fixed_random lowest(0), highest(500);
  backoff low(milliseconds(1000), milliseconds(8000));
  CHECK(low.next(lowest) == milliseconds(500));
  CHECK(low.next(lowest) == milliseconds(1000));
  CHECK(low.next(lowest) == milliseconds(2000));
  CHECK(low.next(lowest) == milliseconds(4000));
  CHECK(low.next(lowest) == milliseconds(4000));
  low.reset();
  CHECK(low.next(highest) == milliseconds(1000));
  for (int i = 0; i < 100; ++i) low.next(lowest);
  CHECK(low.next(lowest) == milliseconds(4000));
}

TEST_CASE("histogram: each value in the first bucket that holds it", "[base]") {
  histogram h;
  h.observe(microseconds(400));
  h.observe(milliseconds(1));
  h.observe(seconds(7200));
  CHECK(h.buckets()[0] == 1);
  CHECK(h.buckets()[1] == 1);
  CHECK(h.buckets().back() == 0);
  CHECK(h.count() == 3);
  CHECK(h.sum_s() == Approx(7200.0014));
}

TEST_CASE("settings: an address prints as it is written", "[base]") {
  CHECK(to_string({scheme::mqtt, "broker.example", 1883}) == "mqtt://broker.example:1883");
  CHECK(to_string({scheme::wss, "::1", 8870}) == "wss://[::1]:8870");
  CHECK(to_string({scheme::unix_socket, "/run/m.sock", 0}) == "unix:///run/m.sock");
}

TEST_CASE("utf8: what stands anywhere in a text is looked at", "[base]") {
  for (std::size_t size = 2; size <= 20; ++size) {
    for (std::size_t at = 0; at + 2 <= size; ++at) {
      CAPTURE(size, at);
      std::string text(size, 'a');
      CHECK(is_utf8(text));
      text.replace(at, 2, "\xc3\xbc");  // u with two dots
      CHECK(is_utf8(text));
      text[at + 1] = 'a';
      CHECK_FALSE(is_utf8(text));
      text[at] = '\x80';
      CHECK_FALSE(is_utf8(text));
    }
  }
}

TEST_CASE("takeover watch: three short lives in a row are suspicious, until one is long",
          "[base]") {
  takeover_watch watch(seconds(5));
  watch.on_end(seconds(4));
  watch.on_end(seconds(4), false);  // ended by ourselves: that begins anew
  watch.on_end(seconds(4));
  watch.on_end(seconds(5));  // not short
  for (int i = 0; i < 2; ++i) watch.on_end(seconds(4));
  CHECK_FALSE(watch.suspected());
  watch.on_end(seconds(4));
  CHECK(watch.suspected());
  // Whoever takes it comes rarely by now.
  watch.on_end(takeover_watch::fight_over_after - seconds(1));
  CHECK(watch.suspected());
  SECTION("a long life") {
    watch.on_end(takeover_watch::fight_over_after);
  }
  SECTION("another reason") {
    watch.reset();
  }
  CHECK_FALSE(watch.suspected());
}

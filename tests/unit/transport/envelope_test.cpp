#include "transport/envelope.hpp"

#include <catch2/catch.hpp>

using namespace linkd;
using namespace linkd::transport;

namespace {

const direction london_to_paris{"london", "paris", true};
const std::optional<secret> key{secret("0123456789abcdef0123456789abcdef")};
const std::optional<secret> other_key{secret("0123456789abcdef0123456789abcdeF")};

std::string hex(bytes_view octets) {
  std::string text;
  for (const char octet : octets) {
    for (const int shift : {4, 0}) text += "0123456789abcdef"[(octet >> shift) & 0xf];
  }
  return text;
}

errc code_of(const result<envelope>& opened) {
  REQUIRE(opened.has_error());
  return opened.error().code;
}

}  // namespace

TEST_CASE("envelope: the bytes of MQTT.md", "[transport]") {
  const envelope hello{{7, 3}, 258, "frame"};
  const std::string header =
      "01"
      "00"
      "0700000000000000"
      "0300000000000000"
      "0201000000000000";
  CHECK(hex(seal(hello, london_to_paris, std::nullopt)) == header + "6672616d65");
  const std::string sealed_header =
      "01"
      "01"
      "0700000000000000"
      "0300000000000000"
      "0201000000000000";
  CHECK(hex(seal(hello, london_to_paris, key)) ==
        sealed_header + "6672616d65" +
            "7ad2d3acad92479a58b7b486ce044efc224c295abd3de5b56458c1342c47f43d");
}

TEST_CASE("envelope: opens to what was sealed", "[transport]") {
  for (const auto& with : {std::optional<secret>{}, key}) {
    for (const bytes& frame : {bytes(), bytes("x"), bytes(1u << 20, '\xff')}) {
      const bytes sealed = seal({{1, ~0ull}, ~0ull, frame}, london_to_paris, with);
      CHECK(sealed.size() <= frame.size() + envelope_overhead_bytes_max);
      CHECK(claimed_path(sealed) == path_id{1, ~0ull});
      const auto opened = open(sealed, london_to_paris, with);
      REQUIRE(opened.has_value());
      CHECK(opened->path == path_id{1, ~0ull});
      CHECK(opened->number == ~0ull);
      CHECK(opened->frame == frame);
    }
  }
}

TEST_CASE("envelope: no octet can be changed, added or taken away under a key", "[transport]") {
  const bytes sealed = seal({{1, 2}, 3, "frame"}, london_to_paris, key);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    CAPTURE(i);
    bytes forged = sealed;
    forged[i] = static_cast<char>(forged[i] ^ 0x10);
    CHECK(open(forged, london_to_paris, key).has_error());
    CHECK(open(bytes_view(sealed).substr(0, i), london_to_paris, key).has_error());
  }
  CHECK(code_of(open(sealed + "x", london_to_paris, key)) == errc::permission);
}

TEST_CASE("envelope: bound to its direction, its link and its key", "[transport]") {
  const bytes sealed = seal({{1, 2}, 3, "frame"}, london_to_paris, key);
  for (const direction& elsewhere :
       {direction{"paris", "london", true}, direction{"london", "paris", false},
        direction{"london", "rome", true}, direction{"rome", "paris", true},
        direction{"londonp", "aris", true}}) {
    CAPTURE(elsewhere.sender, elsewhere.receiver, elsewhere.from_dialler);
    CHECK(code_of(open(sealed, elsewhere, key)) == errc::permission);
  }
  CHECK(code_of(open(sealed, london_to_paris, other_key)) == errc::permission);
}

TEST_CASE("envelope: a key on one side only is refused on both", "[transport]") {
  const envelope frame{{1, 2}, 3, "frame"};
  CHECK(code_of(open(seal(frame, london_to_paris, std::nullopt), london_to_paris, key)) ==
        errc::permission);
  CHECK(code_of(open(seal(frame, london_to_paris, key), london_to_paris, std::nullopt)) ==
        errc::permission);
}

TEST_CASE("envelope: what is none is told apart from what is too new", "[transport]") {
  CHECK(code_of(open("", london_to_paris, std::nullopt)) == errc::corrupt);
  CHECK(code_of(open("\x01", london_to_paris, std::nullopt)) == errc::corrupt);
  CHECK(code_of(open("\x02 and whatever comes", london_to_paris, std::nullopt)) == errc::version);
  bytes sealed = seal({{1, 2}, 3, "frame"}, london_to_paris, std::nullopt);
  sealed[1] = 2;
  CHECK(code_of(open(sealed, london_to_paris, std::nullopt)) == errc::corrupt);
  CHECK(claimed_path("\x01\x00 short") == std::nullopt);
}

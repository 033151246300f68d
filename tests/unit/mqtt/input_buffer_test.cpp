#include "mqtt/native/input_buffer.hpp"

#include <catch2/catch.hpp>
#include <cstring>

using namespace linkd;
using linkd::mqtt::native::input_buffer;

namespace {

void fill(input_buffer& to, bytes_view what) {
  while (!what.empty()) {
    char* const tail = to.tail();
    const std::size_t size = std::min(to.room(), what.size());
    REQUIRE(size > 0);
    std::memcpy(tail, what.data(), size);
    to.filled(size);
    what.remove_prefix(size);
  }
}

}  // namespace

TEST_CASE("input buffer: what is kept stays in front of what follows", "[mqtt]") {
  input_buffer buffer;
  CHECK(buffer.view().empty());
  fill(buffer, "abcdef");
  buffer.keep(2);
  CHECK(buffer.view() == "ef");
  fill(buffer, "gh");
  CHECK(buffer.view() == "efgh");
  buffer.keep(0);
  CHECK(buffer.view().empty());
}

TEST_CASE("input buffer: grows with what arrives and shrinks when it is taken", "[mqtt]") {
  input_buffer buffer;
  const bytes large(5 * input_buffer::usual_bytes + 1, 'x');
  fill(buffer, large + "end");
  CHECK(buffer.view() == large + "end");
  buffer.keep(3);
  CHECK(buffer.view() == "end");
  buffer.tail();
  CHECK(buffer.room() == input_buffer::usual_bytes - 3);
}

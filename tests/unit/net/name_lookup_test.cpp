#include "net/name_lookup.hpp"

#include <catch2/catch.hpp>
#include <optional>

#include "tests/support/run_until.hpp"

using namespace linkd;

TEST_CASE("name look-up: addresses are themselves, IPv6 too") {
  boost::asio::io_context io;
  const std::string host = GENERATE("127.0.0.1", "::1");
  std::optional<result<net::name_lookup::endpoints>> found;
  const net::name_lookup lookup(io, host, 8870, [&](auto answer) { found = std::move(answer); });
  REQUIRE(test::run_until(io, [&] { return found.has_value(); }));
  REQUIRE(found->has_value());
  CHECK((*found)->front().address().to_string() == host);
  CHECK((*found)->front().port() == 8870);
}

TEST_CASE("name look-up: a name that cannot be is an error with a reason") {
  boost::asio::io_context io;
  std::optional<result<net::name_lookup::endpoints>> found;
  const net::name_lookup lookup(io, "no such name", 1, [&](auto answer) { found = answer; });
  REQUIRE(test::run_until(io, [&] { return found.has_value(); }));
  REQUIRE(found->has_error());
  CHECK(found->error().code == errc::unavailable);
  CHECK(found->error().text.find("name look-up: ") == 0);
}

TEST_CASE("name look-up: one that was given up tells nothing") {
  boost::asio::io_context io;
  bool told = false;
  {
    const net::name_lookup given_up(io, "127.0.0.1", 1, [&](auto) { told = true; });
  }
  std::optional<result<net::name_lookup::endpoints>> other;
  const net::name_lookup lookup(io, "127.0.0.1", 1, [&](auto answer) { other = answer; });
  REQUIRE(test::run_until(io, [&] { return other.has_value(); }));
  CHECK_FALSE(told);
}

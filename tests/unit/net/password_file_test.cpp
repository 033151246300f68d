#include "net/password_file.hpp"

#include <catch2/catch.hpp>

#include "tests/support/temp_dir.hpp"

using namespace linkd;
using namespace linkd::test;

TEST_CASE("password file: its first line, however that ends") {
  const temp_dir directory;
  const auto file = directory.path() / "password";
  write_file(file, GENERATE("secret", "secret\n", "secret\r\n", "secret\nmore\n"));
  CHECK(net::read_password_file(file.string())->reveal() == "secret");
  CHECK(net::password_of({"user", {}, file.string()})->reveal() == "secret");
}

TEST_CASE("password file: missing or absurdly long is an error that names it") {
  const temp_dir directory;
  const auto file = directory.path() / "password";
  if (GENERATE(true, false)) write_file(file, std::string(65'536, 'x'));
  const auto read = net::read_password_file(file.string());
  REQUIRE(read.has_error());
  CHECK(read.error().text.find(file.string()) != std::string::npos);
}

TEST_CASE("password: without a file it is the one in the configuration") {
  CHECK(net::password_of({"user", secret("direct"), ""})->reveal() == "direct");
}

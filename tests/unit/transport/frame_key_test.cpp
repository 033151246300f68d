#include "transport/frame_key.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/temp_dir.hpp"

using namespace linkd;
using namespace linkd::transport;

namespace {

class key_file {
 public:
  explicit key_file(const std::string& content, mode_t mode = 0600)
      : path_(directory_.path() / "frame.key") {
    test::write_file(path_, content);
    REQUIRE(::chmod(path_.c_str(), mode) == 0);
  }
  [[nodiscard]] result<secret> read() const { return read_frame_key(path_); }

 private:
  test::temp_dir directory_;
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("frame key: trailing newlines do not count", "[transport]") {
  const std::string key(32, 'k');
  CHECK(key_file(key).read().value() == secret(key));
  CHECK(key_file(key + "\r\n\n").read().value() == secret(key));
  CHECK(key_file(key.substr(1) + "\n").read().error().code == errc::invalid);
  CHECK(key_file("\n" + key).read().value() == secret("\n" + key));
}

TEST_CASE("frame key: from 32 bytes to 4 KiB", "[transport]") {
  CHECK(key_file("").read().error().code == errc::invalid);
  CHECK(key_file(std::string(4096, 'k')).read().has_value());
  CHECK(key_file(std::string(4097, 'k')).read().error().code == errc::invalid);
}

TEST_CASE("frame key: must be the owner's alone", "[transport]") {
  const std::string key(32, 'k');
  CHECK(key_file(key, 0400).read().has_value());
  for (const mode_t mode : {0640u, 0604u, 0620u, 0601u}) {
    CAPTURE(mode);
    CHECK(key_file(key, mode).read().error().code == errc::permission);
  }
}

TEST_CASE("frame key: what is no readable regular file is an error, not a wait", "[transport]") {
  test::temp_dir directory;
  const auto fifo = directory.path() / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(read_frame_key(fifo).error().code == errc::invalid);
  CHECK(read_frame_key(directory.path()).error().code == errc::invalid);
  CHECK(read_frame_key(directory.path() / "absent").error().code == errc::io);
}

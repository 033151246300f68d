#include "config/files.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/unit/config/fixture.hpp"

using namespace linkd;
using namespace linkd::test;

namespace {

constexpr uid_t nobody = 65534;

// This process without root's rights, as long as the object lives.
class unprivileged {
 public:
  unprivileged() {
    REQUIRE(::setegid(nobody) == 0);
    REQUIRE(::seteuid(nobody) == 0);
  }
  ~unprivileged() {
    if (::seteuid(0) != 0 || ::setegid(0) != 0) std::abort();
  }
  unprivileged(const unprivileged&) = delete;
  unprivileged& operator=(const unprivileged&) = delete;
};

std::string fault(const std::string& file) {
  const auto checked = config::check_secret_file(file);
  return checked ? "" : checked.error().text;
}

}  // namespace

TEST_CASE("config: a secret that others can read or change is refused") {
  config_files files;
  const auto file = files.write("secret", "s3cret\n");
  for (const unsigned mode : {0600u, 0400u}) {
    CAPTURE(mode);
    files.chmod("secret", mode);
    CHECK(fault(file) == "");
  }
  for (const unsigned mode : {0640u, 0620u, 0604u, 0602u, 0601u, 0644u, 0666u}) {
    CAPTURE(mode);
    files.chmod("secret", mode);
    CHECK_THAT(fault(file), Catch::EndsWith("chmod 600"));
  }
}

TEST_CASE("config: a service may share a secret of root's through its group") {
  if (::geteuid() != 0) return;  // only root can give it such a file
  config_files files;
  files.chmod("", 0755);
  const auto file = files.write("secret", "s3cret\n");
  REQUIRE(::chown(file.c_str(), 0, nobody) == 0);
  const auto fault_with = [&](unsigned mode) {
    files.chmod("secret", mode);
    const unprivileged now;
    return fault(file);
  };
  CHECK(fault_with(0640) == "");
  CHECK(fault_with(0440) == "");
  CHECK_THAT(fault_with(0644), Catch::EndsWith("chmod 600"));
  CHECK_THAT(fault_with(0660), Catch::EndsWith("chmod 600"));
  CHECK_THAT(fault_with(0600), Catch::Contains("Permission denied"));
  REQUIRE(::chown(file.c_str(), nobody, nobody) == 0);
  CHECK_THAT(fault_with(0640), Catch::EndsWith("chmod 600"));
}

TEST_CASE("files: a configuration file is replaced whole, and stays as closed as it was") {
  config_files files;
  const std::string path = files.path("links.d/new/london.yaml");
  REQUIRE(config::write_config_file(path, "one").has_value());
  CHECK(read_file(path) == "one");
  const auto mode = [&] { return std::filesystem::status(path).permissions(); };
  CHECK(mode() == std::filesystem::perms(0600));
  for (const auto& [before, after] : {std::pair(0644u, 0640u), {0640u, 0640u}, {0600u, 0600u}}) {
    files.chmod("links.d/new/london.yaml", before);
    REQUIRE(config::write_config_file(path, "two").has_value());
    CHECK(mode() == std::filesystem::perms(after));
  }
  CHECK(read_file(path) == "two");
  REQUIRE(config::remove_config_file(path).has_value());
  CHECK(config::remove_config_file(path).error().code == errc::not_found);
  CHECK(std::filesystem::is_empty(files.path("links.d/new")));
}

TEST_CASE("files: what cannot be written is an error, and nothing is left behind") {
  config_files files;
  const std::string path = files.path("links.d/london.yaml");
  std::filesystem::create_directories(path);  // a directory cannot be replaced by a file
  CHECK_FALSE(config::write_config_file(path, "text").has_value());
  CHECK(std::distance(std::filesystem::directory_iterator(files.path("links.d")), {}) == 1);
  CHECK_FALSE(config::write_config_file(files.path("a/b/london.yaml"), "text").has_value());
}

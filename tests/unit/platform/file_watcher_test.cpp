#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "platform/file_watcher.hpp"
#include "tests/support/run_until.hpp"
#include "tests/support/temp_dir.hpp"

using namespace linkd;
using platform::file_watcher;
using platform::file_watcher_timing;
using test::write_file;

namespace fs = std::filesystem;

namespace {

// Looking without a sign is out of reach: what is seen, inotify told.
constexpr file_watcher_timing signs_only{milliseconds(1), seconds(3600)};
// For what inotify cannot tell.
constexpr file_watcher_timing with_rescan{milliseconds(1), milliseconds(20)};

struct fixture {
  explicit fixture(file_watcher_timing timing)
      : links(dir.path() / "links.d"), password(dir.path() / "secrets" / "password") {
    write_file(links / "london.yaml", "name: london");
    write_file(password, "old");
    watcher.emplace(
        io, [this] { ++changes; }, timing);
    watcher->watch({links.string()}, {password.string()});
  }

  // Whether the watcher has told of a change since the last question.
  bool told() {
    const bool changed = test::run_until(io, [this] { return changes > 0; });
    changes = 0;
    return changed;
  }

  // Proves silence by a change behind it that must be told: once.
  bool told_nothing_before(const fs::path& proof) {
    write_file(proof, "proof " + std::to_string(++proofs));
    return test::run_until(io, [this] { return changes > 0; }) && changes == 1;
  }

  test::temp_dir dir;
  fs::path links, password;
  boost::asio::io_context io;
  std::optional<file_watcher> watcher;
  int changes = 0;
  int proofs = 0;
};

}  // namespace

TEST_CASE("file watcher: tells of every kind of change in a directory and of a file",
          "[platform]") {
  fixture f(signs_only);
  write_file(f.links / "tokyo.yaml", "name: tokyo");
  CHECK(f.told());
  std::ofstream(f.links / "london.yaml", std::ios::app) << "enable: false\n";
  CHECK(f.told());
  fs::rename(f.links / "tokyo.yaml", f.links / "osaka.yaml");
  CHECK(f.told());
  fs::remove(f.links / "osaka.yaml");
  CHECK(f.told());
  ::chmod((f.links / "london.yaml").c_str(), 0400);
  CHECK(f.told());

  write_file(f.password, "new");
  CHECK(f.told());
  std::ofstream(f.password) << "newer";
  CHECK(f.told());
  fs::remove(f.password);
  CHECK(f.told());
  write_file(f.password, "back");
  CHECK(f.told());
}

TEST_CASE("file watcher: temporary and other files are not told of", "[platform]") {
  fixture f(signs_only);
  write_file(f.links / ".london.yaml.swp", "x");
  write_file(f.password.parent_path() / "neighbour", "x");
  // The signs are in the queue and have been looked at before the change that follows.
  f.io.run_one_for(milliseconds(50));
  CHECK(f.told_nothing_before(f.password));
}

TEST_CASE("file watcher: many changes at once are told of once", "[platform]") {
  fixture f({milliseconds(200), seconds(3600)});
  for (int i = 0; i < 50; ++i) write_file(f.links / (std::to_string(i) + ".yaml"), "x");
  CHECK(test::run_until(f.io, [&] { return f.changes > 0; }));
  CHECK(f.changes == 1);
}

TEST_CASE("file watcher: a directory may go and come back", "[platform]") {
  fixture f(with_rescan);
  fs::remove_all(f.links);
  CHECK(f.told());
  write_file(f.links / "paris.yaml", "name: paris");
  CHECK(f.told());
  write_file(f.links / "paris.yaml", "name: paris # again");
  CHECK(f.told());

  fs::remove_all(f.password.parent_path());
  CHECK(f.told());
  write_file(f.password, "back");
  CHECK(f.told());
}

TEST_CASE("file watcher: a directory replaced by a rename is watched at its name", "[platform]") {
  fixture f(with_rescan);
  write_file(f.dir.path() / "next" / "london.yaml", "name: london # new");
  fs::rename(f.links, f.dir.path() / "old");
  fs::rename(f.dir.path() / "next", f.links);
  CHECK(f.told());
  write_file(f.links / "london.yaml", "name: london # newer");
  CHECK(f.told());
}

TEST_CASE("file watcher: a certificate behind symbolic links is followed", "[platform]") {
  // As Kubernetes mounts secrets: name -> ..data/name, ..data -> a directory replaced at once.
  fixture f(signs_only);
  const fs::path mount = f.dir.path() / "mount";
  write_file(mount / "..1" / "tls.crt", "first");
  write_file(mount / "..2" / "tls.crt", "second");
  fs::create_directory_symlink("..1", mount / "..data");
  fs::create_symlink("..data/tls.crt", mount / "tls.crt");
  f.watcher->watch({}, {(mount / "tls.crt").string()});
  fs::create_directory_symlink("..2", mount / "..data_tmp");
  fs::rename(mount / "..data_tmp", mount / "..data");
  CHECK(f.told());
}

TEST_CASE("file watcher: a change between the call and the next watch() is not lost",
          "[platform]") {
  fixture f(signs_only);
  write_file(f.links / "tokyo.yaml", "name: tokyo");
  f.watcher->watch({f.links.string()}, {f.password.string()});
  CHECK(f.told());
}

TEST_CASE("file watcher: what is no longer in the set is not told of", "[platform]") {
  fixture f(signs_only);
  f.watcher->watch({f.links.string()}, {});
  write_file(f.password, "new");
  f.io.run_one_for(milliseconds(50));
  CHECK(f.told_nothing_before(f.links / "london.yaml"));
}

TEST_CASE("file watcher: may be destroyed from its own call, and tells nothing after",
          "[platform]") {
  fixture f(signs_only);
  int told = 0;
  std::unique_ptr<file_watcher> second;
  second = std::make_unique<file_watcher>(
      f.io,
      [&] {
        ++told;
        second.reset();
      },
      signs_only);
  second->watch({f.links.string()}, {});
  write_file(f.links / "tokyo.yaml", "x");
  REQUIRE(test::run_until(f.io, [&] { return told == 1; }));
  f.watcher.reset();
  f.changes = 0;
  write_file(f.links / "tokyo.yaml", "y");
  f.io.restart();
  f.io.run();  // nothing is left to wait for
  CHECK(f.changes == 0);
  CHECK(told == 1);
}

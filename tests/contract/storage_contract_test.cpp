#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "platform/posix_storage.hpp"
#include "tests/support/memory_storage.hpp"

// What every implementation of the storage port must do.
namespace linkd {
namespace {

struct disk_under_test {
  virtual ~disk_under_test() = default;
  virtual storage& disk() = 0;
};

struct in_memory final : disk_under_test {
  storage& disk() override { return disk_; }
  test::memory_storage disk_;
};

struct in_file_system final : disk_under_test {
  in_file_system() : root_(make_root()), disk_(root_ + "/state") {
    REQUIRE(disk_.make_directory("").has_value());
  }
  ~in_file_system() override {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  storage& disk() override { return disk_; }

  static std::string make_root() {
    auto name = (std::filesystem::temp_directory_path() / "linkd-storage-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    return name;
  }
  std::string root_;
  platform::posix_storage disk_;
};

std::unique_ptr<disk_under_test> disk_of(const std::string& kind) {
  if (kind == "memory") return std::make_unique<in_memory>();
  return std::make_unique<in_file_system>();
}

std::unique_ptr<file> open(storage& disk, const std::string& path, open_mode mode) {
  auto opened = disk.open(path, mode);
  REQUIRE(opened.has_value());
  return std::move(*opened);
}

bytes read(file& from, std::uint64_t offset, std::size_t size) {
  bytes into(size, '?');
  const auto got = from.read_at(offset, into);
  REQUIRE(got.has_value());
  into.resize(*got);
  return into;
}

template <class T>
errc code_of(const result<T>& failed) {
  REQUIRE(failed.has_error());
  return failed.error().code;
}

TEST_CASE("storage: a file keeps what is written, with zeros between") {
  const auto tested = disk_of(GENERATE(as<std::string>{}, "memory", "file system"));
  auto& disk = tested->disk();
  const auto target = open(disk, "a", open_mode::create_new);
  REQUIRE(target->write_at(0, "front").has_value());
  REQUIRE(target->write_at(1000, "behind").has_value());
  REQUIRE(target->sync().has_value());
  CHECK(target->size().value() == 1006);
  CHECK(read(*target, 0, 7) == bytes("front\0\0", 7));
  CHECK(read(*target, 998, 100) == bytes("\0\0behind", 8));
  CHECK(read(*target, 5000, 1).empty());
  CHECK(read(*open(disk, "a", open_mode::existing), 1002, 3) == "hin");
}

TEST_CASE("storage: allocation makes a file of zeros and never shrinks it") {
  const auto tested = disk_of(GENERATE(as<std::string>{}, "memory", "file system"));
  const auto target = open(tested->disk(), "a", open_mode::create_new);
  REQUIRE(target->write_at(0, "x").has_value());
  REQUIRE(target->allocate(10'000).has_value());
  CHECK(target->size().value() == 10'000);
  CHECK(read(*target, 0, 10'001) == "x" + bytes(9'999, '\0'));
  REQUIRE(target->allocate(100).has_value());
  CHECK(target->size().value() == 10'000);
}

TEST_CASE("storage: opening says whether a file is there") {
  const auto tested = disk_of(GENERATE(as<std::string>{}, "memory", "file system"));
  auto& disk = tested->disk();
  CHECK(code_of(disk.open("a", open_mode::existing)) == errc::not_found);
  open(disk, "a", open_mode::create_new);
  CHECK(code_of(disk.open("a", open_mode::create_new)) == errc::exists);
  CHECK(code_of(disk.open("no/such/directory", open_mode::create_new)) == errc::not_found);
}

TEST_CASE("storage: directories are made with their parents and list their files only") {
  const auto tested = disk_of(GENERATE(as<std::string>{}, "memory", "file system"));
  auto& disk = tested->disk();
  CHECK(code_of(disk.list("links")) == errc::not_found);
  REQUIRE(disk.make_directory("links/london/queue").has_value());
  REQUIRE(disk.make_directory("links/london/queue").has_value());
  for (const auto* name : {"b", "a", "B"})
    open(disk, std::string("links/london/") + name, open_mode::create_new);
  open(disk, "links/london/queue/deeper", open_mode::create_new);
  CHECK(disk.list("links/london").value() == std::vector<std::string>{"B", "a", "b"});
  CHECK(disk.list("links").value().empty());
  CHECK(disk.sync_directory("links/london").has_value());
  CHECK(code_of(disk.sync_directory("nowhere")) == errc::not_found);
}

TEST_CASE("storage: a removed file is gone, but for those who have it open") {
  const auto tested = disk_of(GENERATE(as<std::string>{}, "memory", "file system"));
  auto& disk = tested->disk();
  const auto target = open(disk, "a", open_mode::create_new);
  REQUIRE(target->write_at(0, "x").has_value());
  REQUIRE(disk.remove("a").has_value());
  CHECK(code_of(disk.open("a", open_mode::existing)) == errc::not_found);
  CHECK(code_of(disk.remove("a")) == errc::not_found);
  CHECK(read(*target, 0, 1) == "x");
}

TEST_CASE("storage: renaming replaces") {
  const auto tested = disk_of(GENERATE(as<std::string>{}, "memory", "file system"));
  auto& disk = tested->disk();
  REQUIRE(open(disk, "old", open_mode::create_new)->write_at(0, "old").has_value());
  REQUIRE(open(disk, "new", open_mode::create_new)->write_at(0, "new").has_value());
  REQUIRE(disk.rename("new", "old").has_value());
  CHECK(disk.list("").value() == std::vector<std::string>{"old"});
  CHECK(read(*open(disk, "old", open_mode::existing), 0, 9) == "new");
  CHECK(code_of(disk.rename("new", "old")) == errc::not_found);
}

TEST_CASE("storage: a directory is locked by one object at a time") {
  const auto tested = disk_of(GENERATE(as<std::string>{}, "memory", "file system"));
  auto& disk = tested->disk();
  REQUIRE(disk.make_directory("a").has_value());
  REQUIRE(disk.make_directory("b").has_value());
  {
    const auto held = disk.lock("a");
    REQUIRE(held.has_value());
    CHECK(code_of(disk.lock("a")) == errc::locked);
    CHECK(disk.lock("b").has_value());
    CHECK(disk.list("a").value().empty());
  }
  CHECK(disk.lock("a").has_value());
}

TEST_CASE("posix storage: links and what is not a file are refused, and not listed") {
  in_file_system tested;
  const std::filesystem::path root = tested.root_ + "/state";
  REQUIRE(open(tested.disk(), "real", open_mode::create_new)->write_at(0, "x").has_value());
  std::filesystem::create_symlink(root / "real", root / "link");
  std::filesystem::create_directory(root / "directory");
  CHECK(tested.disk().open("link", open_mode::existing).has_error());
  CHECK(tested.disk().open("directory", open_mode::existing).has_error());
  CHECK(tested.disk().list("").value() == std::vector<std::string>{"real"});
}

TEST_CASE("posix storage: files and directories are for their owner only") {
  in_file_system tested;
  REQUIRE(tested.disk().make_directory("a/b").has_value());
  open(tested.disk(), "a/b/file", open_mode::create_new);
  const std::filesystem::path root = tested.root_ + "/state";
  using std::filesystem::perms;
  CHECK(std::filesystem::status(root / "a").permissions() == perms::owner_all);
  CHECK(std::filesystem::status(root / "a/b").permissions() == perms::owner_all);
  CHECK(std::filesystem::status(root / "a/b/file").permissions() ==
        (perms::owner_read | perms::owner_write));
}

TEST_CASE("posix storage: a locked directory that is moved or replaced is told, until it is back") {
  in_file_system tested;
  auto& disk = tested.disk();
  const std::filesystem::path root = tested.root_ + "/state";
  REQUIRE(disk.make_directory("a").has_value());
  const auto held = disk.lock("a");
  REQUIRE(held.has_value());
  CHECK((*held)->check().has_value());
  std::filesystem::rename(root / "a", root / "aside");
  CHECK(code_of((*held)->check()) == errc::io);
  std::filesystem::copy(root / "aside", root / "a");
  CHECK(code_of((*held)->check()) == errc::io);
  std::filesystem::remove_all(root / "a");
  std::filesystem::rename(root / "aside", root / "a");
  CHECK((*held)->check().has_value());
}

TEST_CASE("posix storage: a sync of a file that was removed fails") {
  in_file_system tested;
  const auto target = open(tested.disk(), "file", open_mode::create_new);
  REQUIRE(target->write_at(0, "x").has_value());
  REQUIRE(target->sync().has_value());
  REQUIRE(tested.disk().remove("file").has_value());
  CHECK(code_of(target->sync()) == errc::io);
}

}  // namespace
}  // namespace linkd

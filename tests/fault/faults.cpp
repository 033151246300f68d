#include "tests/fault/faults.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "mqtt_linkd/limits.hpp"
#include "tests/support/process.hpp"

namespace linkd::test {
namespace {

void must(const finished_process& done, const std::string& what) {
  if (done.exit_code != 0) throw std::runtime_error(what + ": " + done.output);
}

}  // namespace

std::size_t rounds(std::size_t usual, std::size_t nightly) {
  return std::getenv("LINKD_FAULTS_ALL") != nullptr ? nightly : usual;
}

void check_promise(const ledger& found, std::size_t faults) {
  CAPTURE(found);
  CHECK(found.missing == 0);
  CHECK(found.overtaken == 0);
  CHECK(found.unexpected == 0);
  CHECK(found.repeated <=
        faults * (2 * limits::capture_batch_acknowledged_max + limits::publishes_inflight_max));
}

strings libc_faults::environment() const {
  const char* const sanitizer = std::getenv("ASAN_OPTIONS");
  return {"LD_PRELOAD=" LINKD_FAULTY_LIBC, "LINKD_FAULTS=" + file().string(),
          // A sanitizer wants to be first; it may be second here.
          "ASAN_OPTIONS=verify_asan_link_order=0:" + std::string(sanitizer ? sanitizer : "")};
}

void libc_faults::set(const std::string& rules) {
  std::filesystem::remove(file().string() + ".hits");
  write_file(file(), rules);
}

std::size_t libc_faults::hits() const {
  return read_file(file().string() + ".hits").size();
}

mounted_disk::mounted_disk(kind which, std::filesystem::path where, std::size_t size_bytes)
    : where_(std::move(where)) {
  std::filesystem::create_directories(where_);
  const std::string size = std::to_string(size_bytes);
  if (which == kind::tmpfs) {
    mounted_ =
        run({"mount", "-t", "tmpfs", "-o", "mode=0700,size=" + size, "tmpfs", where_}).exit_code ==
        0;
    return;
  }
  image_ = where_.string() + ".image";
  must(run({"truncate", "-s", size, image_}), "truncate");
  must(run({"mkfs.ext4", "-qF", image_}), "mkfs.ext4");
  // commit=300: what nobody syncs stays in memory for as long as the test takes.
  mounted_ = run({"mount", "-o", "loop,commit=300", image_, where_}).exit_code == 0;
}

mounted_disk::mounted_disk(std::filesystem::path image, std::filesystem::path where)
    : where_(std::move(where)), image_(std::move(image)) {
  std::filesystem::create_directories(where_);
  mounted_ = run({"mount", "-o", "loop", image_, where_}).exit_code == 0;
}

mounted_disk::~mounted_disk() {
  if (mounted_) run({"umount", "--lazy", where_});
}

void mounted_disk::copy_image(const std::filesystem::path& to) const {
  must(run({"cp", "--sparse=always", image_, to}), "cp");
}

void mounted_disk::fill() {
  const int file = ::open((where_ / "filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  for (std::size_t piece = 1u << 20; piece >= 512; piece /= 2) {
    const std::string data(piece, 'x');
    while (::write(file, data.data(), data.size()) == static_cast<ssize_t>(data.size())) {
    }
  }
  ::close(file);
}

void mounted_disk::empty() {
  std::filesystem::remove(where_ / "filler");
}

}  // namespace linkd::test

#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "tests/e2e/ledger.hpp"
#include "tests/e2e/site.hpp"
#include "tests/support/temp_dir.hpp"

namespace linkd::test {

// How often a battery repeats what it does: `nightly` times with LINKD_FAULTS_ALL set in the
// environment, `usual` times otherwise.
std::size_t rounds(std::size_t usual, std::size_t nightly);

// Nothing lost, overtaken or invented, and no more repeated than so many faults explain: each at
// most what the local broker handed us and has no PUBACK for (a batch that is stored and one that
// is read) and our own publishes in flight.
void check_promise(const ledger& found, std::size_t faults);

// The faults of one process that was started with environment(): see tests/support/faulty_libc.cpp
// for the rules.
class libc_faults {
 public:
  [[nodiscard]] strings environment() const;
  // In force with the next call of the process; counting begins anew.
  void set(const std::string& rules);
  void clear() { set(""); }
  // Calls touched since the last set().
  [[nodiscard]] std::size_t hits() const;

 private:
  [[nodiscard]] std::filesystem::path file() const { return directory_.path() / "rules"; }
  temp_dir directory_;
};

// A file system mounted at `where`, which is created. Only root can do that: is_mounted() says
// whether it worked.
class mounted_disk {
 public:
  enum class kind { tmpfs, ext4 };
  // ext4: an image beside it. `image`: a copy of one to look at, instead of a fresh one.
  mounted_disk(kind which, std::filesystem::path where, std::size_t size_bytes);
  mounted_disk(std::filesystem::path image, std::filesystem::path where);
  ~mounted_disk();
  mounted_disk(const mounted_disk&) = delete;
  mounted_disk& operator=(const mounted_disk&) = delete;

  [[nodiscard]] bool is_mounted() const { return mounted_; }
  // What is on the disk at this moment, as after a power cut: a copy of the image, in use as it is.
  void copy_image(const std::filesystem::path& to) const;
  // Somebody else uses what is left of it, or gives it back.
  void fill();
  void empty();

 private:
  std::filesystem::path where_, image_;
  bool mounted_ = false;
};

}  // namespace linkd::test

#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace linkd::test {

// A directory of its own under $TMPDIR, removed with everything in it at the end. With
// LINKD_TEST_KEEP set in the environment it stays, for a look at the logs of a failed test.
class temp_dir {
 public:
  temp_dir();  // throws std::filesystem::filesystem_error
  ~temp_dir();
  temp_dir(const temp_dir&) = delete;
  temp_dir& operator=(const temp_dir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The whole file; empty if there is none.
std::string read_file(const std::filesystem::path& file);

// Replaces the file by a rename, so that whoever watches it never sees half of it. Creates parent
// directories. Throws std::runtime_error.
void write_file(const std::filesystem::path& file, std::string_view text);

}  // namespace linkd::test

#pragma once

#include <string>

#include "mqtt_linkd/ports/storage.hpp"

namespace linkd::platform {

// The storage port over a directory of the file system. May be used from several threads. The
// process must ignore SIGXFSZ, or a file size limit kills it instead of failing a write.
class posix_storage final : public storage {
 public:
  // Paths are relative to `root`, which need not exist before make_directory("").
  explicit posix_storage(std::string root) : root_(std::move(root)) {}

  result<std::unique_ptr<file>> open(const std::string& path, open_mode mode) override;
  // Leaves out the file that lock() uses.
  result<std::vector<std::string>> list(const std::string& directory) override;
  result<void> make_directory(const std::string& directory) override;
  result<void> remove(const std::string& path) override;
  result<void> rename(const std::string& from, const std::string& to) override;
  result<void> sync_directory(const std::string& directory) override;
  // flock(2) on the file "storage.lock" in `directory`.
  result<std::unique_ptr<directory_lock>> lock(const std::string& directory) override;

 private:
  [[nodiscard]] std::string absolute(const std::string& path) const;
  std::string root_;
};

}  // namespace linkd::platform

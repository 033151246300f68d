#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mqtt_linkd/bytes.hpp"
#include "mqtt_linkd/result.hpp"

namespace linkd {

// An open file. Calls block. Different threads may use one file at the same time as long as they
// touch different bytes. A failed sync says nothing about what is on disk: never call it again on
// that file.
class file {
 public:
  virtual ~file() = default;
  // Reads until `into` is full or the file ends; answers the number of bytes read.
  virtual result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) = 0;
  // All of `data` or an error; after an error any part of it may have been written.
  virtual result<void> write_at(std::uint64_t offset, bytes_view data) = 0;
  // Makes the file `size` bytes long with blocks reserved; new bytes read as zero.
  virtual result<void> allocate(std::uint64_t size) = 0;
  // fdatasync: on return what was written and allocated before is on disk. A file that no name
  // leads to any more fails.
  virtual result<void> sync() = 0;
  virtual result<std::uint64_t> size() = 0;
};

// Held as long as the object lives.
class directory_lock {
 public:
  virtual ~directory_lock() = default;
  // An error if another directory, or none, stands under the name of the one that was locked: what
  // is written to open files would not be found again.
  [[nodiscard]] virtual result<void> check() const = 0;
};

enum class open_mode { existing, create_new };

// One directory tree; paths are relative to its root with '/' between names. Calls block. A
// created, renamed or removed name is on disk only after sync_directory() of the directory it
// stands in.
class storage {
 public:
  virtual ~storage() = default;
  // 0600; errc::not_found, errc::exists. Never follows a symbolic link.
  virtual result<std::unique_ptr<file>> open(const std::string& path, open_mode mode) = 0;
  // Names (not paths) of the regular files in a directory, sorted bytewise.
  virtual result<std::vector<std::string>> list(const std::string& directory) = 0;
  // With its parents, 0700, on disk on return; no error if it is there.
  virtual result<void> make_directory(const std::string& directory) = 0;
  virtual result<void> remove(const std::string& path) = 0;
  virtual result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual result<void> sync_directory(const std::string& directory) = 0;
  // errc::locked if another process (or object) holds it.
  virtual result<std::unique_ptr<directory_lock>> lock(const std::string& directory) = 0;
};

}  // namespace linkd

#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mqtt_linkd/ports/random.hpp"
#include "mqtt_linkd/ports/storage.hpp"

namespace linkd::test {

enum class storage_call {
  open,
  list,
  make_directory,
  remove,
  rename,
  sync_directory,
  lock,
  read,
  write,
  allocate,
  sync,
  size
};

// A disk in memory that forgets, as disks do, what was not synced: contents by sectors of 512
// bytes, names by directory. May be used from several threads.
//
// A failed sync behaves like Linux: the pages count as clean from then on, so that a second sync
// succeeds and stores nothing.
class memory_storage final : public storage {
 public:
  memory_storage();
  ~memory_storage() override;

  result<std::unique_ptr<file>> open(const std::string& path, open_mode mode) override;
  result<std::vector<std::string>> list(const std::string& directory) override;
  result<void> make_directory(const std::string& directory) override;
  result<void> remove(const std::string& path) override;
  result<void> rename(const std::string& from, const std::string& to) override;
  result<void> sync_directory(const std::string& directory) override;
  result<std::unique_ptr<directory_lock>> lock(const std::string& directory) override;

  struct fault {
    std::uint64_t skip = 0;            // calls (of that kind) that still work
    errc code = errc::io;              // io or no_space
    bool for_ever = false;             // or just one call
    std::optional<storage_call> kind;  // any
  };
  // One fault at a time. A write that fails leaves half of its bytes.
  void fail(fault what);
  // The machine stops at the n-th call (from 0) from now that would change the disk: a write
  // leaves half of its bytes, everything after it fails with errc::io, until crash() or
  // kill_process().
  void halt_at(std::uint64_t n);
  // Neither fault nor halt from now on.
  void heal();
  // Whether the fault or the halt has been met since it was set.
  [[nodiscard]] bool hit() const;
  // Calls so far, of all kinds or of one.
  [[nodiscard]] std::uint64_t calls() const;
  [[nodiscard]] std::uint64_t calls(storage_call kind) const;
  // How much files may still grow; no value: without end. Removing a file gives its bytes back.
  void set_free_bytes(std::optional<std::uint64_t> free_bytes);
  [[nodiscard]] std::uint64_t used_bytes() const;

  // Power loss. Every sector and every name that was not synced stays, is lost, or (a sector)
  // holds garbage where it was changed; bytes that were not changed keep their value ("powersafe
  // overwrite", as SQLite calls what drives and file systems grant). Open files and locks are void:
  // their calls fail from now on.
  void crash(random_source& random);
  // kill -9: what was written stays as it is, synced or not; open files and locks are void.
  void kill_process();

  // The directory counts as replaced under a running process, or no longer so.
  void set_lost(const std::string& directory, bool lost) {
    const std::scoped_lock guard(mutex_);
    lost_directories_.erase(directory);
    if (lost) lost_directories_.insert(directory);
  }

  // Behind the back of whoever uses the disk: contents as they would be read, changed and synced.
  [[nodiscard]] bytes contents(const std::string& path) const;
  void set_contents(const std::string& path, bytes_view content);
  [[nodiscard]] std::vector<std::string> paths() const;

 private:
  class handle;
  class lock_handle;
  struct node;
  struct name_change;
  using names = std::map<std::string, std::shared_ptr<node>>;

  std::optional<error> begin(storage_call kind, bool changes);
  void change_name(name_change change);
  static void apply(names& to, const name_change& change);
  [[nodiscard]] std::uint64_t used_bytes_locked() const;
  [[nodiscard]] bool has_room(const node& which, std::uint64_t size) const;
  void restart();

  mutable std::mutex mutex_;
  std::uint64_t epoch_ = 0;  // of the running process; handles of an older one are void
  std::set<std::string> directories_;
  std::set<std::string> locks_, lost_directories_;
  names names_, durable_names_;
  std::vector<name_change> unsynced_names_;
  std::map<storage_call, std::uint64_t> calls_;
  std::optional<fault> fault_;
  std::optional<std::uint64_t> halt_;
  bool halted_ = false, hit_ = false;
  std::optional<std::uint64_t> capacity_bytes_;
};

// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
class seeded_random final : public random_source {
 public:
  explicit seeded_random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // In [0, n).
  std::uint64_t below(std::uint64_t n) { return next() % n; }

 private:
  std::uint64_t state_;
};

}  // namespace linkd::test

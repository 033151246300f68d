#include "platform/posix_storage.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace linkd::platform {
namespace {

constexpr auto lock_name = "storage.lock";
constexpr mode_t file_mode = 0600;
constexpr mode_t directory_mode = 0700;

error failure(int number, const std::string& path, const char* what) {
  auto code = errc::io;
  switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      code = errc::no_space;
      break;
    case ENOENT:
      code = errc::not_found;
      break;
    case EEXIST:
      code = errc::exists;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = errc::permission;
      break;
    default:
      break;
  }
  return {code, path + ": " + what + ": " + std::generic_category().message(number)};
}

// Repeats a system call that a signal interrupted.
template <class Call>
auto uninterrupted(Call call) {
  auto answer = call();
  while (answer == -1 && errno == EINTR) answer = call();
  return answer;
}

class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  descriptor& operator=(descriptor&&) = delete;
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_;
};

descriptor open_at(const std::string& path, int flags) {
  return descriptor(uninterrupted(
      [&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, file_mode); }));
}

class posix_file final : public file {
 public:
  posix_file(descriptor open, std::string path) : open_(std::move(open)), path_(std::move(path)) {}

  result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const auto got = uninterrupted([&] {
        return ::pread(open_.get(), into.data() + done, into.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (got < 0) return failure(errno, path_, "read");
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  result<void> write_at(std::uint64_t offset, bytes_view data) override {
    while (!data.empty()) {
      const auto put = uninterrupted([&] {
        return ::pwrite(open_.get(), data.data(), data.size(), static_cast<off_t>(offset));
      });
      if (put < 0) return failure(errno, path_, "write");
      data.remove_prefix(static_cast<std::size_t>(put));
      offset += static_cast<std::uint64_t>(put);
    }
    return {};
  }

  result<void> allocate(std::uint64_t size) override {
    int number = EINTR;
    while (number == EINTR) number = ::posix_fallocate(open_.get(), 0, static_cast<off_t>(size));
    if (number != 0) return failure(number, path_, "allocate");
    return {};
  }

  // Not repeated on EINTR: whatever it says, a second one would prove nothing.
  result<void> sync() override {
    if (::fdatasync(open_.get()) != 0) return failure(errno, path_, "sync");
    struct stat status {};
    if (::fstat(open_.get(), &status) != 0) return failure(errno, path_, "sync");
    if (status.st_nlink == 0) return error{errc::io, path_ + ": was removed while in use"};
    return {};
  }

  result<std::uint64_t> size() override {
    struct stat status {};
    if (::fstat(open_.get(), &status) != 0) return failure(errno, path_, "size");
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  descriptor open_;
  std::string path_;
};

class posix_lock final : public directory_lock {
 public:
  posix_lock(descriptor held, std::string path) : held_(std::move(held)), path_(std::move(path)) {}

  [[nodiscard]] result<void> check() const override {
    struct stat held {
    }, named{};
    const bool there = ::fstat(held_.get(), &held) == 0 && ::lstat(path_.c_str(), &named) == 0;
    if (there && held.st_dev == named.st_dev && held.st_ino == named.st_ino) return {};
    return error{errc::io, std::filesystem::path(path_).parent_path().string() +
                               ": was removed or replaced while in use"};
  }

 private:
  descriptor held_;
  std::string path_;
};

result<void> sync_directory_at(const std::string& path) {
  const auto opened = open_at(path, O_RDONLY | O_DIRECTORY);
  if (!opened) return failure(errno, path, "open");
  if (::fsync(opened.get()) != 0) return failure(errno, path, "sync");
  return {};
}

// Syncs the parent even if the directory was there: its maker may have died before it could.
result<void> make_directory_at(const std::filesystem::path& path) {
  std::error_code unknown;
  if (path.has_relative_path() && path.has_parent_path() &&
      !std::filesystem::exists(path.parent_path(), unknown)) {
    if (auto done = make_directory_at(path.parent_path()); !done) return done;
  }
  if (::mkdir(path.c_str(), directory_mode) != 0) {
    const int number = errno;
    if (number != EEXIST || !std::filesystem::is_directory(path, unknown))
      return failure(number, path, "make directory");
  }
  return sync_directory_at(path.has_parent_path() ? path.parent_path().string() : ".");
}

}  // namespace

std::string posix_storage::absolute(const std::string& path) const {
  return path.empty() ? root_ : root_ + "/" + path;
}

result<std::unique_ptr<file>> posix_storage::open(const std::string& path, open_mode mode) {
  const auto where = absolute(path);
  const int create = mode == open_mode::create_new ? O_CREAT | O_EXCL : 0;
  // O_NONBLOCK: a device or pipe under our name must not hang us; it is refused below.
  auto opened = open_at(where, O_RDWR | O_NONBLOCK | create);
  if (!opened) return failure(errno, where, "open");
  struct stat status {};
  if (::fstat(opened.get(), &status) != 0) return failure(errno, where, "open");
  if (!S_ISREG(status.st_mode)) return error{errc::io, where + ": not a regular file"};
  return std::unique_ptr<file>(std::make_unique<posix_file>(std::move(opened), where));
}

result<std::vector<std::string>> posix_storage::list(const std::string& directory) {
  const auto where = absolute(directory);
  std::vector<std::string> names;
  std::error_code failed;
  for (std::filesystem::directory_iterator each(where, failed), end; !failed && each != end;
       each.increment(failed)) {
    std::error_code vanished;
    if (each->symlink_status(vanished).type() != std::filesystem::file_type::regular) continue;
    if (auto name = each->path().filename().string(); name != lock_name)
      names.push_back(std::move(name));
  }
  if (failed) return failure(failed.value(), where, "list");
  std::sort(names.begin(), names.end());
  return names;
}

result<void> posix_storage::make_directory(const std::string& directory) {
  return make_directory_at(std::filesystem::path(absolute(directory)).lexically_normal());
}

result<void> posix_storage::remove(const std::string& path) {
  const auto where = absolute(path);
  if (::unlink(where.c_str()) != 0) return failure(errno, where, "remove");
  return {};
}

result<void> posix_storage::rename(const std::string& from, const std::string& to) {
  if (::rename(absolute(from).c_str(), absolute(to).c_str()) != 0)
    return failure(errno, absolute(from), "rename");
  return {};
}

result<void> posix_storage::sync_directory(const std::string& directory) {
  return sync_directory_at(absolute(directory));
}

result<std::unique_ptr<directory_lock>> posix_storage::lock(const std::string& directory) {
  const auto where = absolute(directory) + "/" + lock_name;
  auto opened = open_at(where, O_RDWR | O_CREAT);
  if (!opened) return failure(errno, where, "open");
  if (uninterrupted([&] { return ::flock(opened.get(), LOCK_EX | LOCK_NB); }) != 0) {
    if (errno == EWOULDBLOCK)
      return error{errc::locked, absolute(directory) + ": used by another process"};
    return failure(errno, where, "lock");
  }
  return std::unique_ptr<directory_lock>(std::make_unique<posix_lock>(std::move(opened), where));
}

}  // namespace linkd::platform

#include "config/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace linkd::config {
namespace {

constexpr std::size_t config_bytes_max = 1u << 20;
constexpr mode_t writable_by_others = S_IWGRP | S_IWOTH;

error from_errno(const char* doing) {
  const auto code = errno == ENOENT                     ? errc::not_found
                    : errno == EACCES || errno == EPERM ? errc::permission
                                                        : errc::io;
  return {code, std::string(doing) + ": " + std::generic_category().message(errno)};
}

class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (number_ >= 0) close(number_);
  }
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_;
};

// Without O_NONBLOCK a fifo would wait for its writer.
int open_to_read(const std::string& path) {
  return open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

result<struct stat> regular_file(const descriptor& file) {
  struct stat info {};
  if (file.get() < 0 || fstat(file.get(), &info) != 0) return from_errno("cannot open it");
  if (!S_ISREG(info.st_mode)) return error{errc::invalid, "is not a regular file"};
  return info;
}

}  // namespace

result<file_text> read_config_file(const std::string& path) {
  const descriptor file(open_to_read(path));
  const auto info = regular_file(file);
  if (!info) return info.error();
  if ((info->st_mode & writable_by_others) != 0) {
    return error{errc::permission, "others may write to it: chmod go-w"};
  }
  // One byte more than allowed tells a file that grows from one that fits.
  file_text out{std::string(config_bytes_max + 1, '\0'), (info->st_mode & S_IROTH) != 0};
  std::size_t size = 0;
  while (size < out.text.size()) {
    const auto count = read(file.get(), out.text.data() + size, out.text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return from_errno("cannot read it");
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > config_bytes_max) return error{errc::too_large, "is larger than 1MiB"};
  out.text.resize(size);
  return out;
}

result<void> check_readable_file(const std::string& path) {
  const auto info = regular_file(descriptor(open_to_read(path)));
  if (!info) return info.error();
  return {};
}

result<void> check_secret_file(const std::string& path) {
  const auto info = regular_file(descriptor(open_to_read(path)));
  if (!info) return info.error();
  const bool group_trusted = info->st_uid == 0 && geteuid() != 0;
  const mode_t refused = S_IRWXO | S_IWGRP | (group_trusted ? 0 : S_IRGRP);
  if ((info->st_mode & refused) != 0) {
    return error{errc::permission, "holds a secret and is open to others: chmod 600"};
  }
  if (info->st_size == 0) return error{errc::invalid, "is empty"};
  return {};
}

result<std::vector<std::string>> list_yaml_files(const std::string& directory) {
  struct stat info {};
  if (stat(directory.c_str(), &info) != 0) return from_errno("cannot open it");
  if (!S_ISDIR(info.st_mode)) return error{errc::invalid, "is not a directory"};
  if ((info.st_mode & writable_by_others) != 0) {
    return error{errc::permission, "others may write to it: chmod go-w"};
  }
  std::vector<std::string> files;
  std::error_code failure;
  std::filesystem::directory_iterator at(directory, failure), end;
  while (!failure && at != end) {
    const auto name = at->path().filename();
    if (name.extension() == ".yaml" && !name.string().starts_with('.')) {
      files.push_back(at->path().string());
    }
    at.increment(failure);
  }
  if (failure) return error{errc::io, "cannot list it: " + failure.message()};
  std::ranges::sort(files);
  return files;
}

}  // namespace linkd::config

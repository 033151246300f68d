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

result<void> sync_directory_of(const std::filesystem::path& file) {
  const descriptor directory(open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || fsync(directory.get()) != 0) {
    return from_errno("cannot be sure that its directory is on the disk");
  }
  return {};
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

result<directory_files> list_files(const std::string& directory) {
  struct stat info {};
  if (stat(directory.c_str(), &info) != 0) return from_errno("cannot open it");
  if (!S_ISDIR(info.st_mode)) return error{errc::invalid, "is not a directory"};
  if ((info.st_mode & writable_by_others) != 0) {
    return error{errc::permission, "others may write to it: chmod go-w"};
  }
  directory_files files;
  std::error_code failure;
  std::filesystem::directory_iterator at(directory, failure), end;
  while (!failure && at != end) {
    const auto name = at->path().filename();
    const bool hidden = name.string().starts_with('.');
    if (name.extension() == ".yaml" && !hidden) files.yaml.push_back(at->path().string());
    if (name.extension() == ".yml" && !hidden) files.yml.push_back(at->path().string());
    at.increment(failure);
  }
  if (failure) return error{errc::io, "cannot list it: " + failure.message()};
  std::ranges::sort(files.yaml);
  std::ranges::sort(files.yml);
  return files;
}

result<void> write_config_file(const std::string& path, const std::string& text) {
  const std::filesystem::path target(path);
  std::error_code failure;
  std::filesystem::create_directory(target.parent_path(), failure);  // else open() says why not
  const auto fresh = (target.parent_path() / ("." + target.filename().string() + ".new")).string();
  ::unlink(fresh.c_str());
  const auto give_up = [&](const char* doing) {
    const auto failed = from_errno(doing);
    ::unlink(fresh.c_str());
    return failed;
  };
  {
    const descriptor file(
        open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (file.get() < 0) return from_errno("cannot write into its directory");
    struct stat old {};
    const bool group_reads = stat(path.c_str(), &old) == 0 && (old.st_mode & S_IRGRP) != 0;
    if (group_reads && fchmod(file.get(), 0640) != 0) return give_up("cannot set its mode");
    for (std::string_view rest = text; !rest.empty();) {
      const auto count = write(file.get(), rest.data(), rest.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return give_up("cannot write it");
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
    if (fsync(file.get()) != 0) return give_up("cannot write it");
  }
  if (rename(fresh.c_str(), path.c_str()) != 0) return give_up("cannot replace it");
  return sync_directory_of(target);
}

result<void> remove_config_file(const std::string& path) {
  if (unlink(path.c_str()) != 0) return from_errno("cannot remove it");
  return sync_directory_of(path);
}

}  // namespace linkd::config

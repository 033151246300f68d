#include "transport/frame_key.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace linkd::transport {
namespace {

constexpr std::size_t key_bytes_min = 32;
constexpr std::size_t key_bytes_max = 4096;

class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

error system_failure(const std::string& file) {
  return {errc::io, "frame_key_file " + file + ": " + std::generic_category().message(errno)};
}

}  // namespace

result<secret> read_frame_key(const std::string& file) {
  // O_NONBLOCK: opening a FIFO must not wait for its writer.
  const descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (in.number() < 0) return system_failure(file);
  struct stat status {};
  if (::fstat(in.number(), &status) != 0) return system_failure(file);
  if (!S_ISREG(status.st_mode)) {
    return error{errc::invalid, "frame_key_file " + file + ": not a regular file"};
  }
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return error{errc::permission,
                 "frame_key_file " + file + ": others than its owner have access; chmod 600"};
  }
  std::string key(key_bytes_max + 1, '\0');
  std::size_t filled = 0;
  while (filled < key.size()) {
    const auto count = ::read(in.number(), key.data() + filled, key.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_failure(file);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  if (filled > key_bytes_max) {
    return error{errc::invalid, "frame_key_file " + file + ": larger than 4 KiB"};
  }
  key.resize(filled);
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.pop_back();
  if (key.size() < key_bytes_min) {
    return error{errc::invalid, "frame_key_file " + file + ": shorter than 32 bytes"};
  }
  return secret(std::move(key));
}

}  // namespace linkd::transport

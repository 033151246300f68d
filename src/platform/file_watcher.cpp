#include "platform/file_watcher.hpp"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace linkd::platform {

namespace {

// Equal as long as nobody touched the file.
struct fingerprint {
  dev_t device = 0;
  ino_t inode = 0;
  off_t bytes = 0;
  std::int64_t changed_s = 0, changed_ns = 0;
  bool operator==(const fingerprint&) const = default;
};

using snapshot = std::map<std::string, fingerprint>;  // by path; what is not there has no entry

void add_file(snapshot& into, const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return;
  // The change time moves with the content and with owner and mode, which decide whether we may
  // read it.
  into[path] = {found.st_dev, found.st_ino, found.st_size, found.st_ctim.tv_sec,
                found.st_ctim.tv_nsec};
}

snapshot look(const std::string& path, bool is_directory) {
  snapshot seen;
  if (!is_directory) {
    add_file(seen, path);
    return seen;
  }
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(path, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (!entry->path().filename().native().starts_with('.')) add_file(seen, entry->path());
  }
  return seen;
}

std::string directory_of(const std::string& file) {
  const auto parent = std::filesystem::path(file).parent_path();
  return parent.empty() ? "." : parent.native();
}

constexpr std::uint32_t signs = IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;

}  // namespace

class file_watcher::watching : public std::enable_shared_from_this<watching> {
 public:
  watching(boost::asio::io_context& io, std::function<void()> on_change, file_watcher_timing timing)
      : inotify_(io), timer_(io), on_change_(std::move(on_change)), timing_(timing) {
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd >= 0) inotify_.assign(fd);
  }

  void start() {
    wait_for_sign();
    look_in(timing_.rescan);
  }

  void stop() {
    stopped_ = true;
    boost::system::error_code ignored;
    inotify_.close(ignored);
    timer_.cancel(ignored);
  }

  void watch(const std::vector<std::string>& directories, const std::vector<std::string>& files) {
    std::map<target, snapshot> next;
    const auto keep_or_look = [&](const std::string& path, bool is_directory) {
      const target which{path, is_directory};
      const auto known = targets_.find(which);
      next[which] = known != targets_.end() ? known->second : look(path, is_directory);
    };
    for (const auto& path : directories) keep_or_look(path, true);
    for (const auto& path : files) keep_or_look(path, false);
    targets_ = std::move(next);
    watch_directories();
  }

 private:
  struct target {
    std::string path;
    bool is_directory;
    bool operator<(const target& other) const {
      return std::tie(path, is_directory) < std::tie(other.path, other.is_directory);
    }
  };

  // Asking for what is watched already changes nothing; a directory that came back is new to the
  // kernel. Those that cannot be watched are left to the timer.
  void watch_directories() {
    if (!inotify_.is_open()) return;
    std::set<int> wanted;
    for (const auto& [which, seen] : targets_) {
      const std::string directory = which.is_directory ? which.path : directory_of(which.path);
      const int watch = ::inotify_add_watch(inotify_.native_handle(), directory.c_str(), signs);
      if (watch >= 0) wanted.insert(watch);
    }
    for (const int watch : watches_) {
      if (!wanted.contains(watch)) ::inotify_rm_watch(inotify_.native_handle(), watch);
    }
    watches_ = std::move(wanted);
  }

  void wait_for_sign() {
    if (!inotify_.is_open()) return;
    inotify_.async_wait(
        boost::asio::posix::stream_descriptor::wait_read,
        [self = shared_from_this()](const boost::system::error_code& failed) {
          if (failed || self->stopped_) return;
          // What the events say does not matter: look() sees it.
          std::array<char, 4096> events;
          while (::read(self->inotify_.native_handle(), events.data(), events.size()) > 0) {
          }
          if (!self->sign_seen_) self->look_in(self->timing_.debounce);
          self->sign_seen_ = true;
          self->wait_for_sign();
        });
  }

  void look_in(milliseconds delay) {
    timer_.expires_after(delay);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& failed) {
      if (!failed && !self->stopped_) self->compare();
    });
  }

  void compare() {
    sign_seen_ = false;
    watch_directories();
    bool changed = false;
    for (auto& [which, seen] : targets_) {
      snapshot now = look(which.path, which.is_directory);
      changed = changed || now != seen;
      seen = std::move(now);
    }
    look_in(timing_.rescan);
    if (changed) on_change_();
  }

  boost::asio::posix::stream_descriptor inotify_;
  boost::asio::steady_timer timer_;
  std::function<void()> on_change_;
  file_watcher_timing timing_;
  std::map<target, snapshot> targets_;
  std::set<int> watches_;
  bool sign_seen_ = false;
  bool stopped_ = false;
};

file_watcher::file_watcher(boost::asio::io_context& io, std::function<void()> on_change,
                           file_watcher_timing timing)
    : watching_(std::make_shared<watching>(io, std::move(on_change), timing)) {
  watching_->start();
}

file_watcher::~file_watcher() {
  watching_->stop();
}

void file_watcher::watch(const std::vector<std::string>& directories,
                         const std::vector<std::string>& files) {
  watching_->watch(directories, files);
}

}  // namespace linkd::platform

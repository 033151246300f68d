// A library for LD_PRELOAD that makes calls of libc fail where a test says so: the disk of a real
// process with the faults of a real disk. Only calls on paths that contain a rule's text are
// touched, so sockets and logs stay as they are.
//
// LINKD_FAULTS names a file of rules, read again at every call, so that a test can change its mind
// while the process runs. One rule a line, the first that fits a call is taken:
//
//   CALL ACTION FIRST TIMES PATH
//
//   CALL    open unlink rename read write sync syncdir allocate; any stands for all of these;
//           dns (its PATH is a part of the host name); clock;
//           publish (mosquitto_publish_v5; its PATH is a part of the topic)
//   ACTION  an errno (EIO ENOSPC EMFILE EROFS EINTR), or
//           short    half of the bytes are written or read
//           lie      success is told and nothing done
//           hang     until the rule is gone from the file
//           N        waits N milliseconds, then works
//           die      SIGKILL before the call
//           abort    SIGABRT, as by an assertion
//           of clock: by how many seconds the wall clock is wrong
//   FIRST   the n-th such call, from 1, counted since the file of rules was last replaced
//   TIMES   how many from then on; 0: for ever
//   PATH    a part of the file's path
//
// Every call that was touched appends a byte to <LINKD_FAULTS>.hits.
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr int rules_max = 16;

struct rule {
  char call[16], action[16], path[128];
  unsigned long first, times;
};

struct rule_book {
  std::mutex mutex;
  std::pair<ino_t, long> version;  // the file is replaced, never rewritten: inode, and since when
  std::array<rule, rules_max> rules;
  std::array<unsigned long, rules_max> seen{};
  int count = 0;
};

rule_book& book() {
  static rule_book one;
  return one;
}

const char* rules_file() {
  static const char* const name = std::getenv("LINKD_FAULTS");
  return name;
}

// The real system calls, so that reading the rules is not subject to them.
int raw_open(const char* path, int flags, mode_t mode = 0600) {
  return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode));
}

void read_rules(rule_book& all) {
  struct stat status {};
  const int file = raw_open(rules_file(), O_RDONLY);
  if (file < 0) {
    all.count = 0;
    return;
  }
  const bool known = ::syscall(SYS_fstat, file, &status) == 0;
  // The inode alone comes back: a file that was replaced twice may have it again.
  const std::pair version(status.st_ino,
                          status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec);
  if (known && version != all.version) {
    char text[4096];
    const auto size = ::syscall(SYS_read, file, text, sizeof(text) - 1);
    text[size > 0 ? size : 0] = '\0';
    all.version = version;
    all.seen.fill(0);
    all.count = 0;
    for (char* line = std::strtok(text, "\n"); line && all.count < rules_max;
         line = std::strtok(nullptr, "\n")) {
      rule& next = all.rules[static_cast<std::size_t>(all.count)];
      if (std::sscanf(line, "%15s %15s %lu %lu %127s", next.call, next.action, &next.first,
                      &next.times, next.path) == 5) {
        ++all.count;
      }
    }
  }
  ::syscall(SYS_close, file);
}

void count_hit() {
  char name[4096];
  std::snprintf(name, sizeof(name), "%s.hits", rules_file());
  const int file = raw_open(name, O_WRONLY | O_CREAT | O_APPEND);
  ::syscall(SYS_write, file, "x", 1);
  ::syscall(SYS_close, file);
}

// The action of the first rule that fits this call; empty: none. Counts the call.
std::string touched(std::string_view call, std::string_view path) {
  rule_book& all = book();
  const std::lock_guard guard(all.mutex);
  read_rules(all);
  for (int i = 0; i < all.count; ++i) {
    const rule& each = all.rules[static_cast<std::size_t>(i)];
    const bool any = std::string_view(each.call) == "any" && call != "dns" && call != "clock" &&
                     call != "publish";
    if (each.call != call && !any) continue;
    if (path.find(each.path) == std::string_view::npos) continue;
    const unsigned long number = ++all.seen[static_cast<std::size_t>(i)];
    if (number < each.first || (each.times > 0 && number >= each.first + each.times)) continue;
    return each.action;
  }
  return {};
}

std::string path_of(int file) {
  char link[64], path[4096];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
  const auto size = ::readlink(link, path, sizeof(path));
  return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : std::string();
}

void sleep_ms(long time_ms) {
  const timespec time{time_ms / 1000, time_ms % 1000 * 1'000'000};
  ::nanosleep(&time, nullptr);
}

int errno_named(std::string_view name) {
  if (name == "ENOSPC") return ENOSPC;
  if (name == "EMFILE") return EMFILE;
  if (name == "EROFS") return EROFS;
  if (name == "EINTR") return EINTR;
  return EIO;
}

enum class verdict { work, half, lie, fail };

// What becomes of a call; sets errno if it fails.
verdict judge(std::string_view call, const std::string& path) {
  if (rules_file() == nullptr || path.empty() || path == rules_file()) return verdict::work;
  const std::string action = touched(call, path);
  if (action.empty()) return verdict::work;
  count_hit();
  if (action == "die") ::kill(::getpid(), SIGKILL);
  if (action == "abort") std::abort();
  if (action == "short") return verdict::half;
  if (action == "lie") return verdict::lie;
  if (action == "hang") {
    while (touched(call, path) == "hang") sleep_ms(10);
    return verdict::work;
  }
  if (action[0] >= '0' && action[0] <= '9') {
    sleep_ms(std::atol(action.c_str()));
    return verdict::work;
  }
  errno = errno_named(action);
  return verdict::fail;
}

verdict judge(std::string_view call, int file) {
  return rules_file() == nullptr ? verdict::work : judge(call, path_of(file));
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

mode_t mode_argument(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

// The declarations of libc carry attributes and exception specifications of their own.
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wmissing-attributes"

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  if (judge("open", std::string(path)) == verdict::fail) return -1;
  static auto* const next = real<int(const char*, int, ...)>("open");
  return next(path, flags, mode);
}

int unlink(const char* path) noexcept {
  const verdict what = judge("unlink", std::string(path));
  if (what == verdict::fail) return -1;
  if (what == verdict::lie) return 0;
  static auto* const next = real<int(const char*)>("unlink");
  return next(path);
}

int rename(const char* from, const char* to) noexcept {
  const verdict what = judge("rename", std::string(to));
  if (what == verdict::fail) return -1;
  if (what == verdict::lie) return 0;
  static auto* const next = real<int(const char*, const char*)>("rename");
  return next(from, to);
}

ssize_t pread(int file, void* into, size_t size, off_t offset) {
  const verdict what = judge("read", file);
  if (what == verdict::fail) return -1;
  static auto* const next = real<ssize_t(int, void*, size_t, off_t)>("pread");
  return next(file, into, what == verdict::half && size > 1 ? size / 2 : size, offset);
}

ssize_t pwrite(int file, const void* data, size_t size, off_t offset) {
  const verdict what = judge("write", file);
  if (what == verdict::fail) return -1;
  if (what == verdict::lie) return static_cast<ssize_t>(size);
  static auto* const next = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return next(file, data, what == verdict::half && size > 1 ? size / 2 : size, offset);
}

int fdatasync(int file) {
  const verdict what = judge("sync", file);
  if (what == verdict::fail) return -1;
  if (what == verdict::lie) return 0;
  static auto* const next = real<int(int)>("fdatasync");
  return next(file);
}

int fsync(int file) {
  const verdict what = judge("syncdir", file);
  if (what == verdict::fail) return -1;
  if (what == verdict::lie) return 0;
  static auto* const next = real<int(int)>("fsync");
  return next(file);
}

int posix_fallocate(int file, off_t offset, off_t size) {
  const verdict what = judge("allocate", file);
  if (what == verdict::fail) return errno;
  if (what == verdict::lie) return 0;
  static auto* const next = real<int(int, off_t, off_t)>("posix_fallocate");
  return next(file, offset, size);
}

int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** found) {
  if (host != nullptr && judge("dns", std::string(host)) == verdict::fail) return EAI_AGAIN;
  static auto* const next =
      real<int(const char*, const char*, const addrinfo*, addrinfo**)>("getaddrinfo");
  return next(host, service, hints, found);
}

int mosquitto_publish_v5(void* object, int* id, const char* topic, int size, const void* payload,
                         int qos, bool retain, const void* properties) {
  judge("publish", std::string(topic));
  static auto* const next =
      real<int(void*, int*, const char*, int, const void*, int, bool, const void*)>(
          "mosquitto_publish_v5");
  return next(object, id, topic, size, payload, qos, retain, properties);
}

int clock_gettime(clockid_t which, timespec* now) noexcept {
  static auto* const next = real<int(clockid_t, timespec*)>("clock_gettime");
  const int done = next(which, now);
  if (which == CLOCK_REALTIME && rules_file() != nullptr) {
    now->tv_sec += std::atol(touched("clock", "clock").c_str());
  }
  return done;
}

}  // extern "C"

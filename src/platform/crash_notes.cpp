#include "platform/crash_notes.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>

#include "base/coding.hpp"
#include "mqtt_linkd/limits.hpp"

namespace linkd::platform {
namespace {

constexpr std::array deadly{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
constexpr std::uint64_t magic = 0x314e434b4c;  // "LKCN1"
constexpr std::size_t note_bytes = 32;

// For a crash of which the cause is that the stack is used up.
alignas(16) char spare_stack[64u << 10];

// What the handler needs: it can ask nobody.
struct {
  int file = -1;
  pthread_t thread{};
  queue_records what;
  std::atomic<bool> holding = false;
  std::array<struct sigaction, deadly.size()> before{};
} now;

static_assert(std::atomic<bool>::is_always_lock_free);

std::uint64_t check_of(const queue_records& what) {
  return magic ^ what.queue_id ^ what.begin ^ what.end;
}

// In one piece; here and below only what is safe in a signal handler (POSIX, section 2.4.3).
bool append(const queue_records& what) {
  std::array<char, note_bytes> note{};
  std::size_t at = 0;
  for (const std::uint64_t field : {what.queue_id, what.begin, what.end, check_of(what)}) {
    for (int shift = 0; shift < 64; shift += 8) note[at++] = static_cast<char>(field >> shift);
  }
  return ::write(now.file, note.data(), note.size()) == static_cast<ssize_t>(note.size());
}

void on_deadly_signal(int signal, siginfo_t* info, void*) {
  const bool ours = ::pthread_equal(::pthread_self(), now.thread) != 0;
  if (ours && now.holding.exchange(false)) append(now.what);
  for (std::size_t i = 0; i < deadly.size(); ++i) {
    if (deadly[i] == signal) ::sigaction(signal, &now.before[i], nullptr);
  }
  // A fault comes back by itself when the instruction is run again; what was sent does not.
  if (info->si_code <= 0) ::raise(signal);
}

void install_handlers() {
  stack_t old{};
  if (::sigaltstack(nullptr, &old) == 0 && (old.ss_flags & SS_DISABLE) != 0) {
    stack_t spare{};
    spare.ss_sp = spare_stack;
    spare.ss_size = sizeof(spare_stack);
    ::sigaltstack(&spare, nullptr);
  }
  struct sigaction handler {};
  handler.sa_sigaction = on_deadly_signal;
  handler.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&handler.sa_mask);
  for (std::size_t i = 0; i < deadly.size(); ++i) {
    ::sigaction(deadly[i], &handler, &now.before[i]);
  }
}

error system_error(const std::string& path) {
  return {errc::io, path + ": " + std::generic_category().message(errno)};
}

// The notes of a file that may end anywhere, as after a full disk; one that does not check out is
// left out.
std::vector<queue_records> decode(bytes_view in) {
  std::vector<queue_records> found;
  for (; in.size() >= note_bytes; in.remove_prefix(note_bytes)) {
    const queue_records what{get_le<std::uint64_t>(in), get_le<std::uint64_t>(in.substr(8)),
                             get_le<std::uint64_t>(in.substr(16))};
    if (get_le<std::uint64_t>(in.substr(24)) == check_of(what)) found.push_back(what);
  }
  return found;
}

}  // namespace

crash_notes::crash_notes(const std::string& path) {
  if (const auto opened = open(path); !opened) failure_ = opened.error();
  now.thread = ::pthread_self();
  install_handlers();
}

crash_notes::~crash_notes() {
  for (std::size_t i = 0; i < deadly.size(); ++i) {
    ::sigaction(deadly[i], &now.before[i], nullptr);
  }
  now.holding = false;
  if (now.file >= 0) ::close(now.file);
  now.file = -1;
}

result<void> crash_notes::open(const std::string& path) {
  now.file = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (now.file < 0) return system_error(path);
  struct stat status {};
  if (::fstat(now.file, &status) != 0) return system_error(path);
  constexpr auto kept_bytes = static_cast<off_t>(limits::crash_notes_max * note_bytes);
  const auto whole = status.st_size - status.st_size % static_cast<off_t>(note_bytes);
  bytes content(static_cast<std::size_t>(kept_bytes), '\0');
  const auto got =
      ::pread(now.file, content.data(), content.size(), std::max(off_t{0}, whole - kept_bytes));
  if (got < 0) return system_error(path);
  content.resize(static_cast<std::size_t>(got));
  crashes_ = decode(content);
  if (static_cast<std::size_t>(status.st_size) == crashes_.size() * note_bytes) return {};
  // Too long, or a note that was cut off: written anew, so that the next one stands in its place.
  if (::ftruncate(now.file, 0) != 0) return system_error(path);
  for (const queue_records& each : crashes_) {
    if (!append(each)) return system_error(path);
  }
  return {};
}

void crash_notes::take(const queue_records& in_hand) {
  now.what = in_hand;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  now.holding.store(true, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

void crash_notes::put_down() {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  now.holding.store(false, std::memory_order_relaxed);
}

}  // namespace linkd::platform

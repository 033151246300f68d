#include "ctl/watch.hpp"

#include <signal.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <ostream>

#include "ctl/render.hpp"

namespace linkd::ctl {
namespace {

constexpr const char* enter_screen = "\x1b[?1049h\x1b[?25l\x1b[?7l";  // its own, no cursor, no wrap
constexpr const char* leave_screen = "\x1b[?7h\x1b[?25h\x1b[?1049l";
constexpr const char* from_the_top = "\x1b[H\x1b[J";

// The signals that end a watch or ask for a new picture, held back but for the moments in which it
// waits for them.
class watched_signals {
 public:
  watched_signals() {
    ::sigemptyset(&set_);
    for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) ::sigaddset(&set_, each);
    ::sigprocmask(SIG_BLOCK, &set_, &before_);
  }
  ~watched_signals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  watched_signals(const watched_signals&) = delete;
  watched_signals& operator=(const watched_signals&) = delete;

  // True if one that ends came within the time; a terminal of another size ends the wait early.
  [[nodiscard]] bool ended_within(unsigned interval_s) const {
    const timespec time{static_cast<time_t>(interval_s), 0};
    const int which = ::sigtimedwait(&set_, nullptr, &time);
    return which > 0 && which != SIGWINCH;
  }

 private:
  sigset_t set_{}, before_{};
};

winsize window() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) size = {24, 80, 0, 0};
  return size;
}

std::string look(const client& api, const screen& on) {
  const auto answer = api.get("status");
  if (!answer) return answer.error().text + "\n";
  if (answer->status != 200) return error_text(answer->body) + "\n";
  return status_text(answer->body, on);
}

// As many lines as there are rows, the last of them a note.
std::string fitted(const std::string& text, std::size_t rows) {
  std::size_t lines = 0, end = 0;
  const auto all = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  const bool cut = all + 1 > rows;
  for (; end < text.size() && lines + 1 < rows; ++lines) end = text.find('\n', end) + 1;
  const std::string more =
      cut ? std::to_string(all - lines) + " lines more: make the window higher. " : "";
  return text.substr(0, end) + more + "Ctrl-C ends this.";
}

}  // namespace

int watch(const client& api, unsigned interval_s, const terminal& with) {
  if (!with.out_is_terminal) {
    with.err << "mqtt-linkctl: watch needs a terminal; programs use: mqtt-linkctl -o json status\n";
    return EX_USAGE;
  }
  const watched_signals signals;
  with.out << enter_screen;
  do {
    const winsize size = window();
    const screen on{with.screen.coloured, size.ws_col, true};
    with.out << from_the_top << fitted(look(api, on), size.ws_row) << std::flush;
  } while (!signals.ended_within(interval_s));
  with.out << leave_screen << std::flush;
  return EX_OK;
}

}  // namespace linkd::ctl

#include "ctl/watch.hpp"

#include <signal.h>
#include <sysexits.h>

#include <ostream>

#include "ctl/render.hpp"

namespace linkd::ctl {
namespace {

constexpr const char* enter_screen = "\x1b[?1049h\x1b[?25l\x1b[?7l";  // its own, no cursor, no wrap
constexpr const char* leave_screen = "\x1b[?7h\x1b[?25h\x1b[?1049l";
constexpr const char* from_the_top = "\x1b[H\x1b[J";

// The signals that end a watch, held back but for the moments in which it waits for them.
class ending_signals {
 public:
  ending_signals() {
    ::sigemptyset(&set_);
    for (const int each : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&set_, each);
    ::sigprocmask(SIG_BLOCK, &set_, &before_);
  }
  ~ending_signals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  ending_signals(const ending_signals&) = delete;
  ending_signals& operator=(const ending_signals&) = delete;

  [[nodiscard]] bool come_within(unsigned interval_s) const {
    const timespec time{static_cast<time_t>(interval_s), 0};
    return ::sigtimedwait(&set_, nullptr, &time) > 0;
  }

 private:
  sigset_t set_{}, before_{};
};

std::string look(const client& api, bool coloured) {
  const auto answer = api.get("status");
  if (!answer) return answer.error().text + "\n";
  if (answer->status != 200) return error_text(answer->body) + "\n";
  return status_text(answer->body, coloured);
}

}  // namespace

int watch(const client& api, unsigned interval_s, const terminal& with) {
  if (!with.out_is_terminal) {
    with.err << "mqtt-linkctl: watch needs a terminal; programs use: mqtt-linkctl -o json status\n";
    return EX_USAGE;
  }
  const ending_signals ends;
  with.out << enter_screen;
  do {
    with.out << from_the_top << look(api, with.coloured) << "\nCtrl-C ends this.\n" << std::flush;
  } while (!ends.come_within(interval_s));
  with.out << leave_screen << std::flush;
  return EX_OK;
}

}  // namespace linkd::ctl

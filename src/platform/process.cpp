#include "platform/process.hpp"

#include <sys/prctl.h>
#include <sys/stat.h>

#include <csignal>
#include <utility>

namespace linkd::platform {

void harden_process() {
  ::umask(0077);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  ::prctl(PR_SET_DUMPABLE, 0);
#endif
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
}

signal_listener::signal_listener(boost::asio::io_context& io, std::function<void()> on_reload,
                                 std::function<void()> on_stop)
    : signals_(io, SIGHUP, SIGTERM, SIGINT),
      on_reload_(std::move(on_reload)),
      on_stop_(std::move(on_stop)) {
  listen();
}

void signal_listener::listen() {
  signals_.async_wait(
      [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& failed, int signal) {
        if (failed || alive.expired()) return;
        // Wait again first: the function called may end the listener.
        listen();
        (signal == SIGHUP ? on_reload_ : on_stop_)();
      });
}

}  // namespace linkd::platform

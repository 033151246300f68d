#include "platform/process.hpp"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace linkd::platform {

namespace {

// `how`: SIG_BLOCK or SIG_UNBLOCK.
void mask_orders(int how) {
  sigset_t orders;
  sigemptyset(&orders);
  for (const int each : {SIGHUP, SIGTERM, SIGINT}) sigaddset(&orders, each);
  pthread_sigmask(how, &orders, nullptr);
}

void end_at_once(int) {
  ::_exit(0);
}

}  // namespace

void harden_process() {
  mask_orders(SIG_BLOCK);  // first: told to stop before it has begun, it ends in order too
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
  mask_orders(SIG_UNBLOCK);
}

// Without the mask there would be a moment in which a signal kills.
signal_listener::~signal_listener() {
  mask_orders(SIG_BLOCK);
  signals_.clear();
  for (const int each : {SIGTERM, SIGINT}) ::signal(each, end_at_once);
  ::signal(SIGHUP, SIG_IGN);
  mask_orders(SIG_UNBLOCK);
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

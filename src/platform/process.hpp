#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>
#include <memory>

namespace linkd::platform {

// Once, first thing in main: what we create is for our user alone (umask 0077), no core file or
// debugger sees our secrets (not in sanitizer builds, which need it), and a closed pipe or a file
// size limit is an error code (EPIPE, EFBIG) instead of a signal that kills. SIGHUP, SIGTERM and
// SIGINT wait for the signal_listener.
void harden_process();

// SIGHUP calls `on_reload`; SIGTERM and SIGINT call `on_stop`, each time anew. On the io_context's
// thread, and never after the destructor: from then on SIGTERM and SIGINT end the process at once,
// with 0. One at a time, on the main thread.
class signal_listener {
 public:
  signal_listener(boost::asio::io_context& io, std::function<void()> on_reload,
                  std::function<void()> on_stop);
  ~signal_listener();

 private:
  void listen();

  boost::asio::signal_set signals_;
  std::function<void()> on_reload_, on_stop_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace linkd::platform

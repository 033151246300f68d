#include "platform/asio_clock.hpp"

#include <utility>

namespace linkd::platform {

namespace {

using std::chrono::steady_clock;

time_point steady_now() {
  return time_point(
      std::chrono::floor<time_point::duration>(steady_clock::now().time_since_epoch()));
}

}  // namespace

asio_clock::asio_clock()
    : start_(steady_now()),
      wall_at_start_(std::chrono::floor<stamp::duration>(std::chrono::system_clock::now())) {}

time_point asio_clock::now() const {
  return steady_now();
}

stamp asio_clock::unix_time() const {
  return wall_at_start_ + std::chrono::floor<stamp::duration>(steady_now() - start_);
}

asio_alarm::asio_alarm(boost::asio::io_context& io, std::function<void()> on_wake)
    : timer_(io), on_wake_(std::move(on_wake)) {}

void asio_alarm::wake_at(time_point when) {
  // Asked after every event, mostly with the same answer.
  if (pending_ && *pending_ == when) return;
  pending_ = std::make_shared<const time_point>(when);
  timer_.expires_at(steady_clock::time_point(when.time_since_epoch()));
  timer_.async_wait([this, mine = std::weak_ptr(pending_)](const boost::system::error_code&) {
    if (mine.expired()) return;
    pending_.reset();
    on_wake_();
  });
}

void asio_alarm::cancel() {
  pending_.reset();
  timer_.cancel();
}

}  // namespace linkd::platform

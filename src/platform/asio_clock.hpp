#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "mqtt_linkd/ports/clock.hpp"

namespace linkd::platform {

// The machine's clocks. unix_time() is the wall clock at construction moved on by the monotonic
// one (see linkd::stamp). Any thread.
class asio_clock : public clock {
 public:
  asio_clock();
  [[nodiscard]] time_point now() const override;
  [[nodiscard]] stamp unix_time() const override;

 private:
  time_point start_;
  stamp wall_at_start_;
};

// An alarm on the io_context; `on_wake` runs on its thread and must not destroy the alarm. After
// cancel(), a later wake_at() or the destructor the earlier deadline calls nothing any more.
class asio_alarm : public alarm {
 public:
  asio_alarm(boost::asio::io_context& io, std::function<void()> on_wake);
  void wake_at(time_point when) override;
  void cancel() override;

 private:
  boost::asio::steady_timer timer_;
  std::function<void()> on_wake_;
  // The deadline in force. A handler that asio has queued already cannot be taken back: it sees
  // here that it is out of date.
  std::shared_ptr<const time_point> pending_;
};

}  // namespace linkd::platform

#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "live/make_source.hpp"
#include "mqtt_linkd/ports/log.hpp"
#include "platform/asio_clock.hpp"
#include "platform/os_random.hpp"
#include "tests/support/memory_storage.hpp"
#include "tests/support/run_until.hpp"

namespace linkd::test {

// A subscription source and the view that it told, over as many lives of the source as a test
// wants.
class subscription_world : public subscription_events {
 public:
  explicit subscription_world(interest_source which) {
    settings.deployment = "paris";
    settings.broker.client_id = "mqtt-linkd-paris";
    settings.interest.source = which;
    settings.interest.poll = seconds(1);
  }

  void start() {
    source = live::make_source(io, settings, time, random, disk, background, log);
    source->start(*this);
  }
  void stop() {
    source->stop();
    source.reset();
    known = complete = false;
  }

  void on_subscriptions(std::vector<std::string> all) override {
    filters = {all.begin(), all.end()};
    complete = true;
    note.clear();
    ++views;
  }
  void on_subscriptions_changed(const std::vector<std::string>& added,
                                const std::vector<std::string>& removed) override {
    for (const auto& each : removed) filters.erase(each);
    filters.insert(added.begin(), added.end());
  }
  void on_subscriptions_note(const std::string& what) override { note = what; }
  void on_subscriptions_unknown(const std::string& why) override {
    complete = false;
    known = true;
    reason = why;
  }

  using view = std::set<std::string>;
  bool until_complete(const view& expected) {
    return run_until(io, [&] { return complete && filters == expected; });
  }
  bool until_unknown(const std::string& because) {
    return run_until(io, [&] { return !complete && reason.find(because) != std::string::npos; });
  }

  // Runs ahead of the machine's by as much as a test wants.
  struct skewed_clock : public clock {
    [[nodiscard]] time_point now() const override { return real.now() + skew; }
    [[nodiscard]] stamp unix_time() const override {
      return real.unix_time() + std::chrono::duration_cast<milliseconds>(skew);
    }
    platform::asio_clock real;
    microseconds skew{0};
  };
  struct worker_at_once : public worker {
    void run(const std::string&, std::function<void()> work, std::function<void()> done) override {
      work();
      done();
    }
  };
  struct event_log : public logger {
    void write(log_level, std::string_view event, std::string_view, std::string_view) override {
      events.emplace_back(event);
    }
    std::vector<std::string> events;
  };

  boost::asio::io_context io;
  daemon_settings settings;
  skewed_clock time;
  platform::os_random random;
  memory_storage disk;
  worker_at_once background;
  event_log log;
  std::unique_ptr<subscription_source> source;

  view filters;
  bool complete = false, known = false;
  int views = 0;
  std::string reason, note;
};

}  // namespace linkd::test

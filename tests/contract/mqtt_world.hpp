#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "mqtt_linkd/ports/log.hpp"
#include "mqtt_linkd/ports/random.hpp"
#include "tests/contract/transport_contract.hpp"
#include "tests/support/mosquitto_broker.hpp"
#include "tests/support/run_until.hpp"
#include "transport/mqtt_acceptor.hpp"
#include "transport/mqtt_dialer.hpp"

namespace linkd::test {

class recorded_log : public logger {
 public:
  struct line {
    log_level level;
    std::string event, link, text;
  };
  void write(log_level level, std::string_view event, std::string_view link,
             std::string_view text) override {
    lines.push_back({level, std::string(event), std::string(link), std::string(text)});
  }
  // The last line with this event, or none.
  [[nodiscard]] const line* last(std::string_view event) const {
    for (auto each = lines.rbegin(); each != lines.rend(); ++each) {
      if (each->event == event) return &*each;
    }
    return nullptr;
  }
  [[nodiscard]] std::ptrdiff_t count(std::string_view event) const {
    return std::count_if(lines.begin(), lines.end(),
                         [&](const line& each) { return each.event == event; });
  }
  std::vector<line> lines;
};

class seeded_random : public random_source {
 public:
  std::uint64_t next() override { return generator_(); }

 private:
  std::mt19937_64 generator_{1};
};

// London and paris, who share paris's broker: a real mosquitto. Change the settings before the
// first accept() and dial().
class mqtt_world : private acceptor_events {
 public:
  explicit mqtt_world(const std::string& broker_config = "") : broker(broker_config) {
    paris.deployment = "paris";
    paris.broker.server = broker.address();
    paris.broker.client_id = "mqtt-linkd-paris";
    link_from_london.name = "london";
    london.deployment = "london";
    link_to_paris.name = "paris";
    link_to_paris.client_id_prefix = "from-london";
  }

  void accept(acceptor_events& events) {
    events_ = &events;
    if (!acceptor_) {
      acceptor_ = std::make_unique<transport::mqtt_acceptor>(io, paris, paris_log, random);
      acceptor_->configure({link_from_london});
      acceptor_->start(*this);
      paris_log.lines.clear();
    }
    REQUIRE(run_until([&] { return is_accepting(); }));
  }
  void stop_accepting() { acceptor_.reset(); }
  std::unique_ptr<path> dial() {
    if (!dialer_) {
      dialer_ = std::make_unique<transport::mqtt_dialer>(io, london, incarnation, london_log);
    }
    return dialer_->dial(link_to_paris, broker.address());
  }
  // London's daemon died without a word and was started again; its old paths just stay behind.
  void restart_london() {
    dead_dialers_.push_back(std::move(dialer_));
    ++incarnation;
  }
  // Until the acceptor has noticed: accept() would take it for ready otherwise.
  void break_line() {
    broker.stop();
    if (acceptor_) REQUIRE(run_until([&] { return !is_accepting(); }));
  }
  void silence_line() {
    broker.pause();
    silent_ = true;
  }
  void mend_line() { std::exchange(silent_, false) ? broker.resume() : broker.start(); }
  template <class Condition>
  bool run_until(Condition condition) {
    return test::run_until(io, condition);
  }
  void run_one() {
    if (io.stopped()) io.restart();
    io.run_one_for(std::chrono::milliseconds(1));
  }
  [[nodiscard]] bool is_accepting() const {
    for (auto each = paris_log.lines.rbegin(); each != paris_log.lines.rend(); ++each) {
      if (each->event == "acceptor_up") return true;
      if (each->event == "acceptor_down") return false;
    }
    return false;
  }
  transport::mqtt_acceptor& acceptor() { return *acceptor_; }
  transport::mqtt_dialer& dialer() { return *dialer_; }

  boost::asio::io_context io;
  mosquitto_broker broker;
  daemon_settings london, paris;
  link_settings link_to_paris, link_from_london;
  std::uint64_t incarnation = 1;
  recorded_log london_log, paris_log;
  seeded_random random;

 private:
  void on_inbound(const std::string& peer, std::unique_ptr<path> inbound) override {
    events_->on_inbound(peer, std::move(inbound));
  }

  bool silent_ = false;
  acceptor_events* events_ = nullptr;
  std::unique_ptr<transport::mqtt_acceptor> acceptor_;
  std::vector<std::unique_ptr<transport::mqtt_dialer>> dead_dialers_;
  std::unique_ptr<transport::mqtt_dialer> dialer_;
};

// Dials and answers why the path went down.
inline error fate_of_dial(mqtt_world& world) {
  contract::recorded_path london(world.dial());
  london.at_up = [&] { london.send("hello"); };
  london.start();
  REQUIRE(world.run_until([&] { return london.down.has_value(); }));
  return *london.down;
}

}  // namespace linkd::test

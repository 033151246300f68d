#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "tests/contract/mqtt_world.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/tcp_proxy.hpp"
#include "transport/failure_limit.hpp"
#include "transport/ws_acceptor.hpp"
#include "transport/ws_dialer.hpp"

namespace linkd::test {

// Time stands still unless the test moves it.
struct still_clock : clock {
  [[nodiscard]] time_point now() const override { return at; }
  [[nodiscard]] stamp unix_time() const override { return stamp{}; }
  time_point at{seconds(1)};
};

// London dials paris directly, through a line that can break. With wss paris has a certificate for
// 127.0.0.1, and london proves itself by password and certificate. Change the settings before the
// first accept() and dial().
class ws_world : private acceptor_events {
 public:
  explicit ws_world(scheme how = scheme::ws) {
    write_file(files.path("password"), "between friends");
    paris.deployment = "paris";
    paris.listen.emplace().server = {how, "127.0.0.1", free_port()};
    link_from_london.name = "london";
    link_from_london.accept = accept_settings{files.path("password"), ""};
    link_to_paris.name = "paris";
    link_to_paris.login.password_file = files.path("password");
    if (how == scheme::wss) {
      files.make("paris", {.subject = "paris", .names = "IP:127.0.0.1"});
      files.make("london", {.subject = "london"});
      paris.listen->tls = tls_of("paris");
      link_to_paris.tls = tls_of("london");
      link_from_london.accept->certificate = "london";
    }
    line = std::make_unique<tcp_proxy>(paris.listen->server.port);
  }

  // May be in vain for a while.
  void begin_to_accept(acceptor_events& events) {
    events_ = &events;
    if (acceptor_) return;
    acceptor_ = std::make_unique<transport::ws_acceptor>(io, paris, time, log, random);
    acceptor_->configure({link_from_london});
    acceptor_->start(*this);
  }
  void accept(acceptor_events& events) {
    begin_to_accept(events);
    REQUIRE(run_until([&] { return acceptor_->is_listening(); }));
  }
  void reload() { acceptor_->configure({link_from_london}); }
  void stop_accepting() { acceptor_.reset(); }
  std::unique_ptr<path> dial() {
    return dialer_.dial(link_to_paris, {paris.listen->server.scheme, "127.0.0.1", line->port()});
  }
  // Not through the line.
  std::unique_ptr<path> dial_directly() {
    return dialer_.dial(link_to_paris, paris.listen->server);
  }
  [[nodiscard]] tls_settings tls_of(const std::string& name) const {
    return {files.path("ca.crt"), files.path(name + ".crt"), files.path(name + ".key"), true, ""};
  }
  void break_line() { line->cut(); }
  void silence_line() { line->black_hole(); }
  void mend_line() { line->restore(); }
  template <class Condition>
  bool run_until(Condition condition) {
    return test::run_until(io, condition);
  }
  void run_one() {
    if (io.stopped()) io.restart();
    io.run_one_for(std::chrono::milliseconds(1));
  }

  boost::asio::io_context io;
  certificates files;
  daemon_settings paris;
  link_settings link_to_paris, link_from_london;
  still_clock time;
  recorded_log log;
  seeded_random random;
  std::unique_ptr<tcp_proxy> line;
  std::vector<std::string> unreachable;

 private:
  void on_inbound(const std::string& peer, std::unique_ptr<path> inbound) override {
    events_->on_inbound(peer, std::move(inbound));
  }
  void on_unreachable(const std::string& peer, const error& why) override {
    unreachable.push_back(peer + ": " + why.text);
  }

  acceptor_events* events_ = nullptr;
  std::unique_ptr<transport::ws_acceptor> acceptor_;
  transport::ws_dialer dialer_{io, "london"};
};

}  // namespace linkd::test

#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/http_server.hpp"
#include "admin/service.hpp"
#include "broker/mqtt_broker.hpp"
#include "config/config.hpp"
#include "daemon/certificates.hpp"
#include "daemon/link_orders.hpp"
#include "daemon/state_directory.hpp"
#include "link/deployment.hpp"
#include "live/make_source.hpp"
#include "platform/asio_clock.hpp"
#include "platform/crash_notes.hpp"
#include "platform/file_watcher.hpp"
#include "platform/os_random.hpp"
#include "platform/paced_loop.hpp"
#include "platform/process.hpp"
#include "platform/service_manager.hpp"
#include "platform/spdlog_logger.hpp"
#include "platform/thread_worker.hpp"
#include "transport/mqtt_acceptor.hpp"
#include "transport/mqtt_dialer.hpp"
#include "transport/transport_dialer.hpp"
#include "transport/ws_acceptor.hpp"

namespace linkd::daemon {

// The daemon put together: the one place that knows every adapter. Built with the configuration
// read and the state directory held; run() returns when it was told to stop.
class running_daemon : private broker_adapter::session_memory {
 public:
  running_daemon(std::string config_file, config::loaded configuration, state_directory state,
                 platform::spdlog_logger& log);

  // The exit code.
  int run();

 private:
  bool start();
  admin::reload_report reload();
  void configure_acceptors();
  void stop();
  void wind_down();
  void beat();
  void check_certificates(bool again);
  void remind_of_exposures();
  void watch_files();
  void log_problems(const std::vector<config::problem>& problems, log_level level);
  void save(bytes what, std::function<void()> done) override;
  [[nodiscard]] admin::sources admin_sources();
  [[nodiscard]] admin::process_status process_status() const;
  [[nodiscard]] admin::ready_state ready_state() const;
  [[nodiscard]] std::string status_line() const;

  std::string config_file_;
  config::loaded configuration_;  // in force
  platform::spdlog_logger& log_;
  boost::asio::io_context io_;
  platform::asio_clock clock_;
  platform::os_random random_;
  state_directory state_;
  platform::crash_notes crashes_;
  platform::service_manager manager_;

  // The core refers to everything above it here, so it goes first.
  platform::thread_worker worker_;
  broker_adapter::mqtt_broker broker_;
  transport::mqtt_dialer mqtt_dialer_;
  transport::ws_dialer ws_dialer_;
  transport::transport_dialer dialer_;
  std::optional<transport::mqtt_acceptor> mqtt_acceptor_;
  std::optional<transport::ws_acceptor> ws_acceptor_;  // none: no `listen`
  std::unique_ptr<subscription_source> subscriptions_;
  platform::asio_alarm alarm_;
  link::deployment core_;

  link_orders orders_;
  admin::service admin_;
  std::optional<admin::http_server> http_;
  std::optional<platform::file_watcher> watcher_;
  std::optional<platform::signal_listener> signals_;
  std::optional<boost::asio::steady_timer> beat_timer_;
  certificates certificates_;
  stamp next_reminder_;
  bool reload_successful_ = true;
  std::vector<admin::problem> problems_;  // of the last reload
  stamp reloaded_at_;
  bool stopping_ = false;
};

}  // namespace linkd::daemon

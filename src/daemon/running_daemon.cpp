#include "daemon/running_daemon.hpp"

#include <sysexits.h>

#include <algorithm>
#include <cstdlib>

#include "daemon/exposure.hpp"
#include "daemon/reload.hpp"

namespace linkd::daemon {
namespace {

constexpr seconds beat_interval{5};
constexpr seconds wind_down_time_max{3};
constexpr std::chrono::hours reminder_interval{1};

}  // namespace

running_daemon::running_daemon(std::string config_file, config::loaded configuration,
                               state_directory state, platform::spdlog_logger& log)
    : config_file_(std::move(config_file)),
      configuration_(std::move(configuration)),
      log_(log),
      state_(std::move(state)),
      crashes_(configuration_.daemon.state_dir + "/crashes"),
      worker_(io_),
      broker_(io_, configuration_.daemon, *this, load_broker_session(*state_.disk), log_, random_),
      mqtt_dialer_(io_, configuration_.daemon, state_.incarnation, log_),
      ws_dialer_(io_, configuration_.daemon.deployment),
      dialer_(mqtt_dialer_, ws_dialer_),
      mqtt_acceptor_(std::in_place, io_, configuration_.daemon, log_, random_),
      subscriptions_(live::make_source(io_, configuration_.daemon, clock_, random_, *state_.disk,
                                       worker_, log_)),
      alarm_(io_, [this] { core_.on_wake(); }),
      core_({clock_, random_, log_, *state_.disk, worker_, broker_, dialer_, *subscriptions_,
             crashes_},
            alarm_, configuration_.daemon, state_.incarnation),
      orders_(core_, configuration_, [this] { return reload(); }),
      admin_(configuration_.daemon.admin.value_or(admin_settings{}), admin_sources(), orders_,
             clock_, log_),
      http_(
          std::in_place, io_,
          [this](const admin::http_request& request, const admin::caller& from) {
            return admin_.handle(request, from);
          },
          log_),
      watcher_(std::in_place, io_, [this] { reload(); }),
      signals_(
          std::in_place, io_, [this] { reload(); }, [this] { stop(); }),
      beat_timer_(io_),
      certificates_(log_),
      next_reminder_(clock_.unix_time() + reminder_interval),
      reloaded_at_(clock_.unix_time()) {
  if (configuration_.daemon.listen) {
    ws_acceptor_.emplace(io_, configuration_.daemon, clock_, log_, random_);
  }
}

int running_daemon::run() {
  if (!start()) return EX_UNAVAILABLE;
  platform::run_paced(io_, [this] { return core_.messages_handled(); });  // until stop() is done
  wind_down();
  return EX_OK;
}

// The core is done. What it wrote last (PUBACKs, a DISCONNECT) is on its way while its connections
// end; everything else that would keep the loop running goes.
void running_daemon::wind_down() {
  signals_.reset();
  watcher_.reset();
  http_.reset();
  beat_timer_.reset();
  mqtt_acceptor_.reset();
  ws_acceptor_.reset();
  io_.restart();
  io_.run_for(wind_down_time_max);
}

bool running_daemon::start() {
  log_.write(log_level::info, "start", "",
             "mqtt-linkd " LINKD_VERSION ", deployment " + configuration_.daemon.deployment + ", " +
                 std::to_string(configuration_.links.size()) + " links");
  log_problems(configuration_.warnings, log_level::warning);
  if (crashes_.failure()) {
    log_.write(log_level::warning, "crashes_forgotten", "", crashes_.failure()->text);
  }
  if (configuration_.daemon.admin) {
    if (const auto listening = http_->listen(configuration_.daemon.admin->server); !listening) {
      log_.write(log_level::error, "admin_failed", "", listening.error().text);
      return false;
    }
    log_.write(log_level::info, "admin", "",
               "console, API and metrics at " + to_string(configuration_.daemon.admin->server));
  }
  watch_files();
  configure_acceptors();
  core_.start(configuration_.links);
  mqtt_acceptor_->start(core_);
  if (ws_acceptor_) ws_acceptor_->start(core_);
  manager_.ready();
  beat();
  return true;
}

admin::reload_report running_daemon::reload() {
  if (stopping_) return {};
  manager_.reloading();
  watch_files();
  reloaded next = daemon::reload(config_file_, configuration_.daemon, configuration_.links);
  log_problems(next.problems, log_level::error);
  log_problems(next.warnings, log_level::warning);
  for (const std::string& key : next.needs_restart) {
    log_.write(log_level::warning, "restart_needed", "",
               "a change of " + key + " takes effect at the next start");
  }
  reload_successful_ = next.successful;
  reloaded_at_ = clock_.unix_time();
  configuration_.daemon.log = next.log;
  log_.configure(next.log);
  configuration_.links = std::move(next.links);
  configure_acceptors();
  check_certificates(true);
  core_.apply(configuration_.links);
  watch_files();
  problems_ = as_admin_problems(next.problems);
  log_.write(next.successful ? log_level::info : log_level::error, "reloaded", "",
             next.successful ? "the configuration is in force: " +
                                   std::to_string(configuration_.links.size()) + " links"
                             : "what has errors stays as it was");
  manager_.ready();
  return {next.successful, configuration_.links.size(), problems_, as_admin_problems(next.warnings),
          next.needs_restart};
}

void running_daemon::configure_acceptors() {
  mqtt_acceptor_->configure(configuration_.links);
  if (ws_acceptor_) ws_acceptor_->configure(configuration_.links);
}

void running_daemon::stop() {
  if (stopping_) {
    log_.write(log_level::warning, "stop_at_once", "", "told to stop a second time");
    std::_Exit(EX_OK);  // the worker may hang in a call of the disk: not to be waited for
  }
  stopping_ = true;
  log_.write(log_level::info, "stop", "", "told to stop");
  manager_.stopping();
  core_.stop([this] {
    log_.write(log_level::info, "stopped", "", "everything in flight is saved");
    io_.stop();
  });
}

// A sign of life for the service manager, and a line for `systemctl status`.
void running_daemon::beat() {
  manager_.watchdog();
  manager_.status(status_line());
  check_certificates(false);
  remind_of_exposures();
  admin_.sample();
  const auto watchdog = manager_.watchdog_interval();
  beat_timer_->expires_after(watchdog ? std::min<microseconds>(*watchdog, beat_interval)
                                      : microseconds(beat_interval));
  beat_timer_->async_wait([this](const boost::system::error_code& failed) {
    if (!failed) beat();
  });
}

void running_daemon::check_certificates(bool again) {
  certificates_.check(certificate_files(configuration_.daemon, configuration_.links),
                      clock_.unix_time(), again);
}

// The configuration's own warnings say it at the start; nobody shall get used to it.
void running_daemon::remind_of_exposures() {
  if (clock_.unix_time() < next_reminder_) return;
  next_reminder_ = clock_.unix_time() + reminder_interval;
  for (const std::string& each : exposures(configuration_.daemon, configuration_.links)) {
    log_.write(log_level::warning, "insecure", "", each);
  }
}

void running_daemon::watch_files() {
  watcher_->watch({configuration_.daemon.links_dir},
                  watched_files(config_file_, configuration_.daemon, configuration_.links));
}

void running_daemon::log_problems(const std::vector<config::problem>& problems, log_level level) {
  for (const config::problem& each : problems)
    log_.write(level, "configuration", "", to_string(each));
}

void running_daemon::save(bytes what, std::function<void()> done) {
  const auto saved = std::make_shared<result<void>>();
  worker_.run(
      "broker session",
      [disk = state_.disk.get(), what = std::move(what), saved] {
        *saved = save_broker_session(*disk, what);
      },
      [this, saved, done = std::move(done)] {
        if (!*saved) log_.write(log_level::error, "session_not_saved", "", saved->error().text);
        done();
      });
}

admin::sources running_daemon::admin_sources() {
  return {[this] { return core_.status(); }, [this] { return process_status(); },
          [this] { return ready_state(); }};
}

admin::process_status running_daemon::process_status() const {
  admin::process_status status{LINKD_VERSION, reload_successful_, reloaded_at_, {}, problems_};
  for (const auto& [file, not_after] : certificates_.expiries()) {
    status.certificates.push_back({file, not_after});
  }
  return status;
}

admin::ready_state running_daemon::ready_state() const {
  if (stopping_) return {false, "stopping"};
  const auto broker = core_.status().broker;
  return {broker.up, broker.up ? "" : "local broker: " + broker.reason};
}

std::string running_daemon::status_line() const {
  const auto status = core_.status();
  const auto up = std::count_if(status.links.begin(), status.links.end(), [](const auto& each) {
    return each.state == link::link_state::up;
  });
  std::uint64_t queued = 0;
  for (const auto& each : status.links) queued += each.queue_messages;
  return std::to_string(up) + "/" + std::to_string(status.links.size()) + " links up, " +
         std::to_string(queued) + " messages queued, local broker " + status.broker.reason;
}

}  // namespace linkd::daemon

#include "tests/support/mosquitto_broker.hpp"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "tests/support/ports.hpp"

namespace linkd::test {

namespace {

using namespace std::chrono_literals;

constexpr auto start_timeout = 10s;
constexpr auto stop_timeout = 10s;

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

mosquitto_broker::mosquitto_broker(const std::string& extra_config)
    : port_(free_port()), log_everything_(extra_config.find("log_type") == std::string::npos) {
  std::string config = "listener {port} 127.0.0.1\nallow_anonymous true\n" + extra_config + "\n";
  if (::geteuid() == 0) config += "user root\n";  // otherwise it cannot read this directory
  replace_all(config, "{dir}", directory().string());
  replace_all(config, "{port}", std::to_string(port_));
  write_file(directory() / "mosquitto.conf", config);
  start();
}

void mosquitto_broker::start() {
  const bool in_path = ::access("/usr/sbin/mosquitto", X_OK) != 0;  // sbin often is not
  process_settings settings;
  settings.arguments = {in_path ? "mosquitto" : "/usr/sbin/mosquitto", "-c",
                        (directory() / "mosquitto.conf").string()};
  if (log_everything_) settings.arguments.emplace_back("-v");
  settings.output = directory() / "mosquitto.log";
  process_.emplace(settings);
  const auto deadline = std::chrono::steady_clock::now() + start_timeout;
  while (!accepts_connections(port_)) {
    if (!process_->running() || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("mosquitto does not start:\n" + log());
    }
    std::this_thread::sleep_for(5ms);
  }
}

void mosquitto_broker::stop() {
  end(SIGTERM);
}
void mosquitto_broker::kill() {
  end(SIGKILL);
}

void mosquitto_broker::pause() {
  process_->signal(SIGSTOP);
}
void mosquitto_broker::resume() {
  process_->signal(SIGCONT);
}

void mosquitto_broker::end(int signal) {
  if (!process_) return;
  process_->signal(signal);
  process_->wait(stop_timeout);
  process_.reset();
}

std::string mosquitto_broker::log() const {
  return read_file(directory() / "mosquitto.log");
}

}  // namespace linkd::test

#include "tests/support/any_broker.hpp"

#include <signal.h>

#include <stdexcept>
#include <utility>

#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

namespace linkd::test {

namespace {

using namespace std::chrono_literals;

constexpr auto start_timeout = 120s;  // RabbitMQ on a machine that others load too
constexpr auto stop_timeout = 30s;

}  // namespace

any_broker::any_broker(broker_traits traits) : traits_(std::move(traits)), port_(free_port()) {}

void any_broker::start() {
  process_settings settings = command();
  settings.output = directory() / "broker.log";
  process_.emplace(settings);
  const bool up = eventually(
      start_timeout, [this] { return !process_->running() || ready(); }, 5ms);
  if (!up || !process_->running()) {
    throw std::runtime_error(traits_.name + " does not start:\n" + log());
  }
}

bool any_broker::ready() const {
  return accepts_connections(port_);
}

void any_broker::stop() {
  end(SIGTERM);
}
void any_broker::kill() {
  end(SIGKILL);
}

void any_broker::pause() {
  signal(SIGSTOP);
}
void any_broker::resume() {
  signal(SIGCONT);
}

void any_broker::end(int number) {
  if (!process_) return;
  signal(number);
  process_->wait(stop_timeout);
  process_.reset();
}

void any_broker::signal(int number) const {
  if (const pid_t pid = server_pid(); pid > 0) ::kill(pid, number);
}

pid_t any_broker::server_pid() const {
  return process_ ? process_->pid() : 0;
}

std::string any_broker::log() const {
  return read_file(directory() / "broker.log");
}

}  // namespace linkd::test

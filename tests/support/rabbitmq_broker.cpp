#include "tests/support/rabbitmq_broker.hpp"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>

#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

namespace linkd::test {

namespace {

using namespace std::chrono_literals;

// Not the one in /usr/sbin: that changes the user and knows its own directories only.
constexpr const char* program = "/usr/lib/rabbitmq/bin/rabbitmq-server";

}  // namespace

bool rabbitmq_broker::is_installed() {
  return ::access(program, X_OK) == 0;
}

rabbitmq_broker::rabbitmq_broker()
    : mqtt_port_(free_port()),
      api_port_(free_port()),
      epmd_port_(free_port()),
      dist_port_(free_port()) {
  write_file(directory_.path() / "plugins",
             "[rabbitmq_mqtt,rabbitmq_management,rabbitmq_event_exchange].\n");
  write_file(
      directory_.path() / "rabbit.conf",
      "listeners.tcp = none\nmqtt.listeners.tcp.1 = 127.0.0.1:" + std::to_string(mqtt_port_) +
          "\nmqtt.allow_anonymous = true\nmqtt.default_user = guest\n"
          "mqtt.default_pass = guest\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = " +
          std::to_string(api_port_) + "\nloopback_users = none\n");
  // By ourselves, and before the server looks for it: the one it starts would outlive it.
  const std::string epmd_port = std::to_string(epmd_port_);
  epmd_.emplace(process_settings{
      {"epmd", "-port", epmd_port, "-address", "127.0.0.1"}, {}, directory_.path() / "epmd.log"});
  if (!eventually(30s, [&] { return accepts_connections(epmd_port_); })) {
    throw std::runtime_error("epmd does not start");
  }
  start();
}

void rabbitmq_broker::start() {
  const std::string directory = directory_.path().string();
  const std::string epmd_port = std::to_string(epmd_port_);
  server_.emplace(process_settings{
      {program},
      {"HOME=" + directory, "ERL_EPMD_PORT=" + epmd_port, "ERL_EPMD_ADDRESS=127.0.0.1",
       "RABBITMQ_NODENAME=linkd" + epmd_port + "@localhost", "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
       "RABBITMQ_DIST_PORT=" + std::to_string(dist_port_),
       "RABBITMQ_CONFIG_FILE=" + directory + "/rabbit",
       "RABBITMQ_ENABLED_PLUGINS_FILE=" + directory + "/plugins",
       "RABBITMQ_MNESIA_BASE=" + directory + "/mnesia", "RABBITMQ_LOG_BASE=" + directory + "/log",
       "RABBITMQ_PID_FILE=" + directory + "/pid", "RABBITMQ_CONF_ENV_FILE=/nonexistent",
       "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+S 2:2 +sbwt none"},
      directory_.path() / "rabbitmq.log"});
  const bool up = eventually(120s, [&] {
    return !server_->running() ||
           (accepts_connections(mqtt_port_) && accepts_connections(api_port_));
  });
  if (!up || !server_->running()) {
    throw std::runtime_error("rabbitmq does not start:\n" +
                             read_file(directory_.path() / "rabbitmq.log"));
  }
}

rabbitmq_broker::~rabbitmq_broker() {
  stop();
}

void rabbitmq_broker::stop() {
  if (!server_) return;
  // The program is a script around the server.
  const std::string pid = read_file(directory_.path() / "pid");
  if (!pid.empty()) ::kill(std::stoi(pid), SIGTERM);
  server_->wait(30s);
  server_.reset();
}

}  // namespace linkd::test

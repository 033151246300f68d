#include "tests/support/rabbitmq_broker.hpp"

#include <unistd.h>

#include "tests/support/broker_sample.hpp"
#include "tests/support/ports.hpp"

namespace linkd::test {

namespace {

// Not the one in /usr/sbin: that changes the user and knows its own directories only.
constexpr const char* program = "/usr/lib/rabbitmq/bin/rabbitmq-server";

}  // namespace

bool rabbitmq_broker::is_installed() {
  return ::access(program, X_OK) == 0;
}

rabbitmq_broker::rabbitmq_broker()
    : any_broker({.name = "rabbitmq", .mqtt5 = false, .retained_by_wildcard = false}),
      api_port_(free_port()),
      dist_port_(free_port()),
      epmd_(directory()) {
  write_file(directory() / "plugins", broker_sample("rabbitmq.enabled_plugins"));
  const replacements adapted = {
      {"tcp.1 = 1883", "tcp.1 = 127.0.0.1:" + std::to_string(port())},
      {"allow_anonymous = false", "allow_anonymous = true"},
      {"port = 15672", "port = " + std::to_string(api_port_)},
  };
  write_file(directory() / "rabbit.conf",
             broker_sample("rabbitmq.conf", adapted) + "listeners.tcp = none\n");
  start();
}

rabbitmq_broker::~rabbitmq_broker() {
  stop();
}

process_settings rabbitmq_broker::command() const {
  const std::string files = directory().string();
  const std::string epmd_port = epmd_.port();
  return {{program},
          {"HOME=" + files, "ERL_EPMD_PORT=" + epmd_port, "ERL_EPMD_ADDRESS=127.0.0.1",
           "RABBITMQ_NODENAME=linkd" + epmd_port + "@localhost",
           "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", "RABBITMQ_DIST_PORT=" + std::to_string(dist_port_),
           "RABBITMQ_CONFIG_FILE=" + files + "/rabbit",
           "RABBITMQ_ENABLED_PLUGINS_FILE=" + files + "/plugins",
           "RABBITMQ_MNESIA_BASE=" + files + "/mnesia", "RABBITMQ_LOG_BASE=" + files + "/log",
           "RABBITMQ_PID_FILE=" + files + "/pid", "RABBITMQ_CONF_ENV_FILE=/nonexistent",
           "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+S 2:2 +sbwt none"},
          {}};
}

// The program is a script around the server.
pid_t rabbitmq_broker::server_pid() const {
  const std::string pid = read_file(directory() / "pid");
  return pid.empty() ? 0 : std::stoi(pid);
}

bool rabbitmq_broker::ready() const {
  return accepts_connections(port()) && accepts_connections(api_port_);
}

}  // namespace linkd::test

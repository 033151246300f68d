#include "tests/e2e/site.hpp"

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <limits>
#include <sstream>
#include <utility>

#include "tests/e2e/http.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/mosquitto_broker.hpp"
#include "tests/support/ports.hpp"

namespace linkd::test {
namespace {

std::string last_lines(const std::string& text, std::size_t count) {
  std::size_t begin = text.size();
  for (std::size_t i = 0; i <= count && begin != 0 && begin != std::string::npos; ++i) {
    begin = text.rfind('\n', begin - 1);
  }
  return begin == std::string::npos || begin == 0 ? text : text.substr(begin + 1);
}

std::string quoted_list(const strings& topics) {
  std::string list = "[";
  for (const std::string& topic : topics) {
    if (list.size() > 1) list += ", ";
    list += '\'' + topic + '\'';
  }
  return list + "]";
}

// The broker's own limits are not what is tested here. Its log tells of subscriptions, not of every
// message.
constexpr const char* broker_configuration =
    "max_inflight_messages 1000\n"
    "max_queued_messages 0\n"
    "set_tcp_nodelay true\n"
    "persistence true\n"
    "persistence_location {dir}/\n"
    "log_dest stderr\n"
    "log_type error\n"
    "log_type warning\n"
    "log_type notice\n"
    "log_type subscribe\n"
    "log_type unsubscribe\n";

std::string broker_client(std::string_view broker_yaml) {
  const char* name = std::getenv("LINKD_TEST_CLIENT");
  const bool chosen = broker_yaml.find("  client: ") != std::string_view::npos;
  return name && !chosen ? "  client: " + std::string(name) + "\n" : "";
}

}  // namespace

std::ostream& operator<<(std::ostream& out, transport how) {
  return out << (how == transport::mqtt ? "mqtt" : "ws");
}

std::string address(transport how, std::uint16_t port) {
  return (how == transport::mqtt ? "mqtt" : "ws") + ("://127.0.0.1:" + std::to_string(port));
}

std::string daemon_program() {
  return LINKD_DAEMON;
}

site::site(std::string name, std::string_view broker_yaml, std::string_view daemon_yaml,
           std::string_view mosquitto_conf)
    : site(std::move(name), broker_yaml, daemon_yaml,
           std::make_unique<mosquitto_broker>(broker_configuration + std::string(mosquitto_conf))) {
}

site::site(std::string name, std::string_view broker_yaml, std::string_view daemon_yaml,
           std::unique_ptr<any_broker> broker)
    : name_(std::move(name)),
      broker_(std::move(broker)),
      admin_port_(free_port()),
      listen_port_(free_port()) {
  std::ostringstream text;
  text << "deployment: " << name_ << "\nbroker:\n  server: mqtt://127.0.0.1:" << broker_port()
       << '\n'
       << broker_client(broker_yaml) << broker_yaml
       << "admin:\n  server: http://127.0.0.1:" << admin_port_
       << "\nstate_dir: " << state().string() << '\n'
       << (daemon_yaml.find("listen:") == std::string_view::npos
               ? "listen:\n  server: " + door(transport::ws) + '\n'
               : "")
       << daemon_yaml;
  write_file(directory() / "password", "between friends\n");
  std::filesystem::permissions(directory() / "password", std::filesystem::perms(0600));
  write_file(configuration(), text.str());
  std::filesystem::create_directory(directory() / "links.d");
}

site::~site() {
  if (std::uncaught_exceptions() == 0) return;
  std::cerr << "--- daemon " << name_ << " (" << directory() << ")\n"
            << last_lines(daemon_log(), 40) << "--- broker " << name_ << '\n'
            << last_lines(broker_->log(), 15);
}

std::filesystem::path site::configuration() const {
  return directory() / "mqtt-linkd.yaml";
}

std::string site::daemon_log() const {
  return read_file(directory() / "daemon.log");
}

std::string site::door(transport how) const {
  return address(how, how == transport::mqtt ? broker_port() : listen_port_);
}

void site::write_link(const std::string& peer, const std::string& server, const strings& topics,
                      std::string_view yaml) {
  std::ostringstream text;
  text << "name: " << peer << "\ntopics: " << quoted_list(topics) << '\n' << yaml;
  if (!server.empty()) text << "server: " << server << '\n';
  if (server.starts_with("ws")) text << "password_file: ../password\n";
  if (yaml.find("accept:") == std::string_view::npos) {
    text << "accept: { password_file: ../password }\n";
  }
  write_file(directory() / "links.d" / (peer + ".yaml"), text.str());
}

void site::reload() {
  daemon_->signal(SIGHUP);
}

void site::start_daemon() {
  daemon_ =
      std::make_unique<process>(process_settings{{daemon_program(), "-c", configuration().string()},
                                                 environment_,
                                                 directory() / "daemon.log"});
}

void site::kill_daemon() {
  daemon_->signal(SIGKILL);
  daemon_->wait(patience);
}

int site::stop_daemon() {
  daemon_->signal(SIGTERM);
  return daemon_->wait(patience).value_or(-1);
}

double site::metric(std::string_view metric_name,
                    std::initializer_list<std::string_view> labels) const {
  std::istringstream lines(http_get(admin_port_, "/metrics").body);
  double sum = std::numeric_limits<double>::quiet_NaN();
  for (std::string line; std::getline(lines, line);) {
    const std::string_view name = std::string_view(line).substr(0, line.find_first_of("{ "));
    const bool wanted = name == metric_name && std::ranges::all_of(labels, [&](auto label) {
                          return line.find(label) != std::string::npos;
                        });
    if (!wanted) continue;
    const double value = std::strtod(line.c_str() + line.rfind(' '), nullptr);
    sum = sum == sum ? sum + value : value;
  }
  return sum;
}

bool site::link_up(const std::string& peer) const {
  return metric("mqtt_linkd_link_up", {"link=\"" + peer + '"'}) == 1;
}

double site::waiting_for(const std::string& peer) const {
  return metric("mqtt_linkd_queue_messages", {"link=\"" + peer + '"'});
}

bool site::captures(std::string_view filter) const {
  const std::string log = broker_->log();
  const std::string client = ": mqtt-linkd-" + name_;
  const auto granted = log.rfind(client + " 1 " + std::string(filter) + '\n');
  const auto withdrawn = log.rfind(client + ' ' + std::string(filter) + '\n');
  return granted != std::string::npos && (withdrawn == std::string::npos || withdrawn < granted);
}

bool linked(const site& one, const site& other) {
  return one.link_up(other.name()) && other.link_up(one.name());
}

}  // namespace linkd::test

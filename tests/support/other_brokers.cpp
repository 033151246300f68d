#include "tests/support/other_brokers.hpp"

#include <filesystem>
#include <stdexcept>

#include "tests/support/broker_sample.hpp"
#include "tests/support/mosquitto_broker.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/rabbitmq_broker.hpp"

namespace linkd::test {

// --- ejabberd ------------------------------------------------------------------------------------

ejabberd_broker::ejabberd_broker()
    : any_broker(
          {.name = "ejabberd", .keeps_sessions = false, .username = "tester", .password = "any"}),
      dist_port_(free_port()),
      epmd_(directory()) {
  write_file(directory() / "ejabberd.yml",
             broker_sample("ejabberd.yml", {{"port: 1883", "port: " + std::to_string(port()) +
                                                               "\n    ip: 127.0.0.1"}}) +
                 "hosts: [localhost]\nloglevel: warning\nauth_method: anonymous\n"
                 "anonymous_protocol: login_anon\nallow_multiple_connections: true\n");
  start();
}

// Not ejabberdctl, which changes the user.
process_settings ejabberd_broker::command() const {
  const std::string files = directory().string();
  const std::string port_text = std::to_string(dist_port_);
  return {{"erl",
           "-noinput",
           "-sname",
           "linkd" + port_text + "@localhost",
           "-mnesia",
           "dir",
           '"' + files + "/mnesia\"",
           "-kernel",
           "inet_dist_use_interface",
           "{127,0,0,1}",
           "-kernel",
           "inet_dist_listen_min",
           port_text,
           "-kernel",
           "inet_dist_listen_max",
           port_text,
           "+S",
           "2:2",
           "+sbwt",
           "none",
           "-s",
           "ejabberd"},
          {"HOME=" + files, "ERL_LIBS=/usr/lib/x86_64-linux-gnu", "ERL_EPMD_PORT=" + epmd_.port(),
           "ERL_EPMD_ADDRESS=127.0.0.1", "EJABBERD_CONFIG_PATH=" + files + "/ejabberd.yml",
           "EJABBERD_LOG_PATH=" + files + "/ejabberd.log"},
          {}};
}

// --- NATS ----------------------------------------------------------------------------------------

nats_broker::nats_broker() : any_broker({.name = "nats", .mqtt5 = false, .keeps_order = false}) {
  write_file(
      directory() / "nats.conf",
      broker_sample("nats.conf", {{"/var/lib/nats", (directory() / "jetstream").string()},
                                  {"127.0.0.1:4222", "127.0.0.1:" + std::to_string(free_port())},
                                  {"0.0.0.0:1883", "127.0.0.1:" + std::to_string(port())}}));
  start();
}

process_settings nats_broker::command() const {
  return {{"/usr/sbin/nats-server", "-c", (directory() / "nats.conf").string()}, {}, {}};
}

// --- ActiveMQ ------------------------------------------------------------------------------------

activemq_broker::activemq_broker() : any_broker({.name = "activemq", .mqtt5 = false}) {
  write_file(
      directory() / "activemq.xml",
      broker_sample("activemq.xml", {{"0.0.0.0:1883", "127.0.0.1:" + std::to_string(port())}}));
  write_file(directory() / "log4j.properties",
             "log4j.rootLogger=WARN, out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\n"
             "log4j.appender.out.layout=org.apache.log4j.SimpleLayout\n");
  start();
}

process_settings activemq_broker::command() const {
  const std::string files = directory().string();
  const std::string jars =
      "/usr/share/activemq/lib/*:/usr/share/activemq/lib/optional/*:/usr/share/java/"
      "mqtt-client.jar:/usr/share/java/hawtdispatch.jar:/usr/share/java/hawtdispatch-transport.jar";
  return {{"java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", files + ':' + jars,
           "-Dactivemq.home=" + files, "-Dactivemq.base=" + files, "-Dactivemq.data=" + files,
           "org.apache.activemq.console.Main", "start", "xbean:file:" + files + "/activemq.xml"},
          {},
          {}};
}

// --- aedes ---------------------------------------------------------------------------------------

aedes_broker::aedes_broker()
    : any_broker({.name = "aedes", .mqtt5 = false, .keeps_sessions = false, .keeps_order = false}) {
  write_file(directory() / "aedes.mjs", broker_sample("aedes.mjs"));
  std::filesystem::create_directory_symlink(LINKD_AEDES "/node_modules",
                                            directory() / "node_modules");
  start();
}

process_settings aedes_broker::command() const {
  return {{"node", (directory() / "aedes.mjs").string()},
          {"AEDES_HOST=127.0.0.1", "AEDES_PORT=" + std::to_string(port())},
          {}};
}

// -------------------------------------------------------------------------------------------------

std::unique_ptr<any_broker> make_broker(const std::string& name, const std::string& extra_config) {
  if (name == "mosquitto") {
    return std::make_unique<mosquitto_broker>(
        broker_sample("mosquitto.conf") +
        "persistence_location {dir}/\nlog_type error\nlog_type warning\nlog_type notice\n" +
        extra_config);
  }
  if (name == "rabbitmq") return std::make_unique<rabbitmq_broker>();
  if (name == "ejabberd") return std::make_unique<ejabberd_broker>();
  if (name == "nats") return std::make_unique<nats_broker>();
  if (name == "activemq") return std::make_unique<activemq_broker>();
  if (name == "aedes") return std::make_unique<aedes_broker>();
  throw std::runtime_error("no broker has the name " + name);
}

}  // namespace linkd::test

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/e2e/site.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/mqtt_peer.hpp"

using namespace linkd;
using namespace linkd::test;

namespace {

const std::string good_daemon =
    "deployment: A\nbroker:\n  server: mqtt://127.0.0.1:1\nstate_dir: STATE\n";
const std::string good_link = "name: B\nserver: mqtt://127.0.0.1:1\ntopics: [t]\n";

struct bad_case {
  std::string daemon_yaml, link_yaml;
  std::string file;  // in which the mistake stands
  int line;
  std::string key;
};

std::vector<bad_case> bad_cases() {
  const std::string daemon = "mqtt-linkd.yaml";
  const std::string link = "links.d/B.yaml";
  return {
      {good_daemon + "colour: red\n", good_link, daemon, 5, "colour"},
      {good_daemon + "log: { level: loud }\n", good_link, daemon, 5, "level"},
      {good_daemon + "log: 7\n", good_link, daemon, 5, "log"},
      {good_daemon + "deployment: C\n", good_link, daemon, 5, "deployment"},
      {"deployment: a/b\nbroker: { server: 'mqtt://h' }\n", good_link, daemon, 1, "deployment"},
      {"deployment: A\nbroker:\n  server: ftp://h\n", good_link, daemon, 3, "server"},
      {"deployment: A\nbroker:\n  server: mqtt://h\n  keepalive: 30 parsecs\n", good_link, daemon,
       4, "keepalive"},
      {"deployment: A\nbroker:\n  server: mqtt://h\n  max_message: much\n", good_link, daemon, 4,
       "max_message"},
      {"deployment: A\nbroker:\n  server: mqtt://h\n  password: ${LINKD_NOT_SET_ANYWHERE}\n",
       good_link, daemon, 4, "LINKD_NOT_SET_ANYWHERE"},
      {"deployment: A\nbroker:\n  server: mqtt://h\n  password_file: /does/not/exist\n", good_link,
       daemon, 4, "password_file"},
      {"deployment: A\nbroker: [\n", good_link, daemon, 2, "YAML"},
      {good_daemon, "name: B\nserver: mqtt://h\ntopics: ['a/#/b']\n", link, 3, "topics"},
      {good_daemon, "name: B\nserver: mqtt://h\ntopics: [a, a]\n", link, 3, "topics"},
      {good_daemon, "name: B\nserver: mqtt://h\ntopics: ['a/#', a/b]\n", link, 3, "topics"},
      {good_daemon, "name: B\nserver: mqtt://h\ntopics: [$share/g/a]\n", link, 3, "topics"},
      {good_daemon, "name: B\nserver: mqtt://h\ntopics: [$LINK/x]\n", link, 3, "topics"},
      {good_daemon, "name: C\nserver: mqtt://h\ntopics: []\n", link, 1, "name"},
      {good_daemon, good_link + "queue:\n  max_bytes: -1\n", link, 5, "max_bytes"},
      {good_daemon, good_link + "queue:\n  overflow: sideways\n", link, 5, "overflow"},
      {good_daemon, good_link + "mqtt:\n  connections: 0\n", link, 5, "connections"},
  };
}

// `mqtt-linkd -c` (and -t) with these two files.
finished_process run_with(const temp_dir& directory, std::string daemon_yaml,
                          const std::string& link_yaml, bool only_check) {
  const auto state = daemon_yaml.find("STATE");
  if (state != std::string::npos) daemon_yaml.replace(state, 5, directory.path() / "state");
  write_file(directory.path() / "mqtt-linkd.yaml", daemon_yaml);
  write_file(directory.path() / "links.d/B.yaml", link_yaml);
  strings command = {daemon_program(), "-c", directory.path() / "mqtt-linkd.yaml"};
  if (only_check) command.emplace_back("-t");
  return run(command);
}

// The socket that systemd would listen on.
class notify_socket {
 public:
  explicit notify_socket(std::string path) : path_(std::move(path)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  }
  ~notify_socket() { ::close(socket_); }
  notify_socket(const notify_socket&) = delete;
  notify_socket& operator=(const notify_socket&) = delete;

  [[nodiscard]] std::string variable() const { return "NOTIFY_SOCKET=" + path_; }

  bool told(const std::string& line) {
    std::array<char, 4096> buffer{};
    for (ssize_t size = 0; (size = ::recv(socket_, buffer.data(), buffer.size(), 0)) >= 0;) {
      heard_ += '\n' + std::string(buffer.data(), static_cast<std::size_t>(size)) + '\n';
    }
    return heard_.find('\n' + line) != std::string::npos;
  }

 private:
  std::string path_;
  int socket_ = -1;
  std::string heard_;
};

}  // namespace

TEST_CASE("daemon: bad configuration of every kind: exit 78 and file, line and key are named") {
  for (const bad_case& bad : bad_cases()) {
    for (const bool only_check : {true, false}) {
      const temp_dir directory;
      const auto end = run_with(directory, bad.daemon_yaml, bad.link_yaml, only_check);
      CAPTURE(bad.daemon_yaml, bad.link_yaml, only_check, end.output);
      CHECK(end.exit_code == 78);
      const auto place = end.output.find(bad.file + ':' + std::to_string(bad.line) + ':');
      CHECK(place != std::string::npos);
      if (place == std::string::npos) continue;
      const auto line = end.output.substr(place, end.output.find('\n', place) - place);
      CHECK(line.find(bad.key) != std::string::npos);
    }
  }
}

TEST_CASE("daemon: all mistakes of all files are told at once") {
  const temp_dir directory;
  const auto end = run_with(directory, good_daemon + "colour: red\nlog: { level: loud }\n",
                            good_link + "queue: { overflow: sideways }\n", true);
  CAPTURE(end.output);
  CHECK(end.exit_code == 78);
  CHECK(end.output.find("mqtt-linkd.yaml:5:") != std::string::npos);
  CHECK(end.output.find("mqtt-linkd.yaml:6:") != std::string::npos);
  CHECK(end.output.find("links.d/B.yaml:4:") != std::string::npos);
}

TEST_CASE("daemon: the command line") {
  const temp_dir directory;
  CHECK(run_with(directory, good_daemon, good_link, true).exit_code == 0);
  CHECK(run({daemon_program(), "--version"}).exit_code == 0);
  CHECK(run({daemon_program(), "--help"}).exit_code == 0);
  CHECK(run({daemon_program(), "--sideways"}).exit_code == 64);
  CHECK(run({daemon_program(), "-c", directory.path() / "none.yaml"}).exit_code == 78);
}

TEST_CASE("daemon: SIGTERM ends it with 0, whether broker and peer are there or not") {
  const bool broker_there = GENERATE(true, false);
  site a("A");
  a.write_link("B", address(transport::mqtt, 1), {"t"});
  if (!broker_there) a.broker().stop();
  a.start_daemon();
  REQUIRE(eventually(patience,
                     [&] { return a.metric("mqtt_linkd_broker_up") == (broker_there ? 1 : 0); }));
  CHECK(a.stop_daemon() == 0);
}

TEST_CASE("daemon: a second one on the same state directory refuses with 73, the first goes on") {
  site a("A");
  a.write_link("B", address(transport::mqtt, 1), {"t"});
  a.start_daemon();
  REQUIRE(eventually(patience, [&] { return a.metric("mqtt_linkd_broker_up") == 1; }));
  const auto second = run({daemon_program(), "-c", a.configuration()});
  CAPTURE(second.output);
  CHECK(second.exit_code == 73);
  CHECK(second.output.find("state") != std::string::npos);
  CHECK(a.metric("mqtt_linkd_broker_up") == 1);
}

TEST_CASE("daemon: the service manager is told READY without a broker, RELOADING and STOPPING") {
  site a("A");
  a.broker().stop();
  a.write_link("B", address(transport::mqtt, 1), {"t"});
  notify_socket manager(a.directory() / "notify");
  a.set_environment({manager.variable()});
  a.start_daemon();
  CHECK(eventually(patience, [&] { return manager.told("READY=1"); }));
  CHECK(eventually(patience, [&] { return manager.told("STATUS="); }));
  a.reload();
  CHECK(eventually(patience, [&] { return manager.told("RELOADING=1"); }));
  CHECK(a.stop_daemon() == 0);
  CHECK(manager.told("STOPPING=1"));
}

TEST_CASE("daemon: a bad file at reload leaves everything as it was and says so") {
  site a("A");
  site b("B");
  a.write_link("B", b.door(transport::mqtt), {"from/B"});
  b.write_link("A", a.door(transport::mqtt), {"from/A"});
  a.start_daemon();
  b.start_daemon();
  REQUIRE(eventually(patience, [&] { return linked(a, b) && b.captures("from/B"); }));
  mqtt_peer at_a({.port = a.broker_port(), .client_id = "client", .filters = {"#"}});
  mqtt_peer at_b({.port = b.broker_port(), .client_id = "client"});
  const double connects = a.metric("mqtt_linkd_link_connects_total");

  a.write_link("B", b.door(transport::mqtt), {"from/#/B"});
  a.reload();
  REQUIRE(eventually(patience,
                     [&] { return a.metric("mqtt_linkd_config_last_reload_successful") == 0; }));
  CHECK(a.daemon_log().find("links.d/B.yaml:2:") != std::string::npos);
  message what;
  what.topic = "from/B";
  what.qos = 1;
  at_b.publish(what);
  CHECK(at_a.await_arrivals(1, patience));
  CHECK(a.metric("mqtt_linkd_link_connects_total") == connects);

  a.write_link("B", b.door(transport::mqtt), {"from/+"});  // found by watching the directory
  REQUIRE(eventually(patience, [&] {
    return a.metric("mqtt_linkd_config_last_reload_successful") == 1 && b.captures("from/+");
  }));
}

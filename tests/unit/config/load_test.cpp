#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "mqtt_linkd/limits.hpp"
#include "tests/support/environment_variable.hpp"
#include "tests/unit/config/fixture.hpp"

using namespace linkd;
using namespace linkd::test;

namespace {

std::string only_problem(const std::vector<config::problem>& problems) {
  return problems.size() == 1 ? problems[0].what : all_of(problems);
}

}  // namespace

TEST_CASE("config: all problems of all files are reported at once") {
  config_files files;
  files.write("mqtt-linkd.yaml",
              "deployment: pa/ris\n"          // 1
              "broker:\n"                     // 2
              "  server: tcp://127.0.0.1\n"   // 3
              "  keepalive: 30\n"             // 4
              "  keepalive: 40s\n"            // 5
              "log: {level: loud, fmt: x}\n"  // 6, twice
              "state: /tmp\n");               // 7
  files.write_link("london", "name: rome\ntopics: ['a/#/b', a, a]\nqueue: {sync: 1}\n");
  files.write_link("oslo", "name: oslo\n");
  files.write_link("zagreb", "name: zagreb\nallow: [\n");
  const auto problems = problems_of(config::load(files.main_file()));
  std::vector<std::string> found;
  for (const auto& each : problems) {
    found.push_back(std::filesystem::path(each.file).filename().string() + ":" +
                    std::to_string(each.line) + " " + each.key);
  }
  std::ranges::sort(found);
  const std::vector<std::string> expected{"london.yaml:1 name",
                                          "london.yaml:2 topics[0]",
                                          "london.yaml:2 topics[2]",
                                          "london.yaml:3 queue.sync",
                                          "mqtt-linkd.yaml:1 deployment",
                                          "mqtt-linkd.yaml:3 broker.server",
                                          "mqtt-linkd.yaml:4 broker.keepalive",
                                          "mqtt-linkd.yaml:5 ",
                                          "mqtt-linkd.yaml:6 ",
                                          "mqtt-linkd.yaml:6 log.level",
                                          "mqtt-linkd.yaml:7 ",
                                          "zagreb.yaml:2 "};
  INFO(all_of(problems));
  CHECK(found == expected);
}

TEST_CASE("config: a bad link file costs its own link only") {
  config_files files;
  files.write_link("berlin", "name: berlin\n");
  files.write_link("london", "name: london\ntopics: [a, a]\n");
  files.write_link("oslo", "name: oslo\nenable: false\n");
  const auto daemon =
      std::get<config::loaded_daemon>(config::load_daemon(files.main_file())).settings;
  const auto links = config::load_links(daemon);
  REQUIRE(links.links.size() == 2);
  CHECK(links.links[0].name == "berlin");
  CHECK(links.links[1].name == "oslo");
  CHECK_FALSE(links.links[1].enable);
  REQUIRE(links.problems.size() == 1);
  CHECK(links.problems[0].file == files.path("links.d/london.yaml"));
  CHECK(links.problems[0].key == "topics[1]");
}

TEST_CASE("config: a link's file with the other ending of YAML is told, not read") {
  config_files files;
  files.write("links.d/london.yml", "name: london\n");
  files.write("links.d/.oslo.yml", "");
  const auto outcome = config::load(files.main_file());
  const auto& all = std::get<config::loaded>(outcome);
  CHECK(all.links.empty());
  REQUIRE(all.warnings.size() == 1);
  CHECK(to_string(all.warnings[0]) ==
        files.path("links.d/london.yml") + ":1:1: is not read: name it .yaml");
}

TEST_CASE("config: defaults of a link come from the daemon's file") {
  config_files files;
  files.write("mqtt-linkd.yaml", read_file(files.main_file()) + "control_prefix: site/link\n");
  files.write_link("london", "name: london\n");
  const auto outcome = config::load(files.main_file());
  INFO(all_of(problems_of(outcome)));
  const auto& all = std::get<config::loaded>(outcome);
  CHECK(all.daemon.broker.client_id == "mqtt-linkd-paris");
  CHECK(all.daemon.links_dir == files.path("links.d"));
  REQUIRE(all.links.size() == 1);
  CHECK(all.links[0].client_id_prefix == "paris");
  CHECK(all.links[0].control_prefix == "site/link");
}

TEST_CASE("config: values of every kind arrive in the settings") {
  config_files files;
  const environment_variable variable("LINKD_TEST_PASSWORD", "pass: ${word} #1");
  files.write("secret", "s3cret\n");
  files.write("ca.pem", "ca\n");
  files.write("mqtt-linkd.yaml",
              "deployment: paris\n"
              "broker:\n"
              "  server: mqtts://[::1]\n"
              "  username: linkd\n"
              "  password: ${LINKD_TEST_PASSWORD}\n"
              "  client_id: me\n"
              "  client: libmosquitto\n"
              "  protocol: 3.1.1\n"
              "  profile: nats\n"
              "  keepalive: 1m\n"
              "  session_expiry: 2h\n"
              "  max_message: 1MiB\n"
              "  receive_maximum: 100\n"
              "  tls: {ca_file: ca.pem, cert_file: ca.pem, key_file: secret, verify: false,\n"
              "        server_name: broker}\n"
              "interest: {source: rabbitmq, url: 'http://127.0.0.1:15672', username: a,\n"
              "           password_file: secret, poll: 1s, linger: 0s, trust_count: true}\n"
              "listen: {server: 'ws://0.0.0.0:80', insecure: true}\n"
              "admin: {server: 'unix:///run/admin.sock', token_file: secret}\n"
              "state_dir: state\n"
              "links_dir: other/links\n"
              "log: {level: trace, format: json}\n");
  const auto outcome = config::load_daemon(files.main_file());
  INFO(all_of(problems_of(outcome)));
  const auto& read = std::get<config::loaded_daemon>(outcome);

  daemon_settings expected;
  expected.deployment = "paris";
  expected.broker.server = {scheme::mqtts, "::1", 8883};
  expected.broker.login = {"linkd", secret("pass: ${word} #1"), ""};
  expected.broker.client_id = "me";
  expected.broker.client = broker_client::libmosquitto;
  expected.broker.protocol = mqtt_protocol::v311;
  expected.broker.profile = broker_profile::nats;
  expected.broker.keepalive = seconds(60);
  expected.broker.session_expiry = seconds(7200);
  expected.broker.message_bytes_max = 1u << 20;
  expected.broker.receive_maximum = 100;
  expected.broker.tls = {files.path("ca.pem"), files.path("ca.pem"), files.path("secret"), false,
                         "broker"};
  expected.interest = {interest_source::rabbitmq,
                       {scheme::http, "127.0.0.1", 15672},
                       {"a", {}, files.path("secret")},
                       seconds(1),
                       seconds(0),
                       true};
  expected.listen = listen_settings{{scheme::ws, "0.0.0.0", 80}, {}, true};
  expected.admin =
      admin_settings{{scheme::unix_socket, "/run/admin.sock", 0}, files.path("secret")};
  expected.state_dir = files.path("state");
  expected.links_dir = files.path("other/links");
  expected.log = {log_level::trace, log_format::json};
  CHECK((read.settings == expected));

  std::vector<std::string> warned;
  for (const auto& each : read.warnings) warned.push_back(each.key);
  CHECK(warned == std::vector<std::string>{"broker.tls.verify", "listen.insecure"});
}

TEST_CASE("config: values of every kind arrive in a link's settings") {
  config_files files;
  files.write("links.d/secret", "s3cret\n");
  files.write_link("london",
                   "name: london\n"
                   "enable: false\n"
                   "server: ['mqtts://a', 'mqtts://b:1']\n"
                   "username: u\n"
                   "password_file: secret\n"
                   "client_id_prefix: p\n"
                   "topics: ['a/#', 'b/+']\n"
                   "allow: []\n"
                   "frame_key_file: secret\n"
                   "control_prefix: x\n"
                   "interest_expiry: 1h\n"
                   "compression: none\n"
                   "retained: off\n"
                   "queue: {max_bytes: 32MiB, max_age: 1d, overflow: drop_newest, sync: none,\n"
                   "        qos0: live}\n"
                   "mqtt: {protocol: 5, keepalive: 10s, connections: 2, max_inflight: 3,\n"
                   "       retry_interval: 1s}\n"
                   "tls: {server_name: broker}\n");
  const auto outcome = config::load(files.main_file());
  INFO(all_of(problems_of(outcome)));
  const auto& all = std::get<config::loaded>(outcome);
  REQUIRE(all.links.size() == 1);

  link_settings expected;
  expected.name = "london";
  expected.enable = false;
  expected.servers = {{scheme::mqtts, "a", 8883}, {scheme::mqtts, "b", 1}};
  expected.login = {"u", {}, files.path("links.d/secret")};
  expected.client_id_prefix = "p";
  expected.topics = {"a/#", "b/+"};
  expected.allow = {};
  expected.frame_key_file = files.path("links.d/secret");
  expected.control_prefix = "x";
  expected.interest_expiry = seconds(3600);
  expected.compression = compression_kind::none;
  expected.retained = retained_policy::off;
  expected.queue = {32u << 20, seconds(86'400), overflow_policy::drop_newest, sync_policy::none,
                    qos0_policy::live};
  expected.mqtt = {mqtt_protocol::v5, seconds(10), 2, 3, seconds(1)};
  expected.tls.server_name = "broker";
  CHECK((all.links[0] == expected));
  CHECK(all_of(all.warnings) == "");
}

TEST_CASE("config: what is dangerous or without effect is a warning") {
  config_files files;
  const auto warnings_of = [&](const std::string& text) {
    files.write_link("london", "name: london\n" + text);
    const auto outcome = config::load(files.main_file());
    INFO(all_of(problems_of(outcome)));
    std::string keys;
    for (const auto& each : std::get<config::loaded>(outcome).warnings) keys += each.key + " ";
    return keys;
  };
  CHECK(warnings_of("") == "");
  CHECK(warnings_of("server: mqtts://h\ntls: {verify: false}\n") == "tls.verify ");
  CHECK(warnings_of("server: wss://h\n") == "");
  CHECK(warnings_of("server: ws://h\ninsecure: true\n") == "insecure ");
  CHECK(warnings_of("queue: {max_bytes: 31MiB}\n") == "queue.max_bytes ");
  CHECK(warnings_of("queue: {max_bytes: 32MiB}\n") == "");
}

TEST_CASE("config: an admin server that others reach is a warning") {
  config_files files;
  files.write("token", "t0ken\n");
  const auto base = read_file(files.main_file());
  const auto warnings_of = [&](const std::string& server) {
    files.write("mqtt-linkd.yaml", base + "admin: {server: '" + server + "', token_file: token}\n");
    const auto outcome = config::load_daemon(files.main_file());
    INFO(all_of(problems_of(outcome)));
    return std::get<config::loaded_daemon>(outcome).warnings.size();
  };
  CHECK(warnings_of("http://127.0.0.1:8871") == 0);
  CHECK(warnings_of("unix:///run/admin.sock") == 0);
  CHECK(warnings_of("http://0.0.0.0:8871") == 1);
}

TEST_CASE("config: a password in a file that everybody can read is a warning") {
  config_files files;
  files.write("mqtt-linkd.yaml", read_file(files.main_file()) + "  password: canary\n");
  const auto warnings = [&] {
    return std::get<config::loaded_daemon>(config::load_daemon(files.main_file())).warnings;
  };
  CHECK(warnings().empty());
  files.chmod("mqtt-linkd.yaml", 0644);
  REQUIRE(warnings().size() == 1);
  CHECK(warnings()[0].key == "password");
  CHECK(all_of(warnings()).find("canary") == std::string::npos);
}

TEST_CASE("config: two links with the same clients at the same broker are refused") {
  config_files files;
  files.write_link("london", "name: london\nserver: ['mqtt://a', 'mqtt://b']\n");
  const auto problems_with = [&](const std::string& more) {
    files.write_link("oslo", "name: oslo\nserver: mqtt://b:1883\n" + more);
    return problems_of(config::load(files.main_file()));
  };
  const auto problems = problems_with("");
  INFO(all_of(problems));
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].file == files.path("links.d/oslo.yaml"));
  CHECK(problems[0].line == 2);
  CHECK(problems[0].column == 9);
  CHECK(problems[0].key == "server");
  CHECK_THAT(problems[0].what, Catch::Contains("'london'"));
  CHECK(problems_with("client_id_prefix: other\n").empty());
  CHECK(problems_with("enable: false\n").empty());
}

TEST_CASE("config: links are *.yaml, hidden files and others are left alone") {
  config_files files;
  files.write_link("london", "name: london\n");
  for (const auto* name : {".rome.yaml", "rome.yaml~", "rome.yml", "rome.yaml.sample", "rome"}) {
    files.write(std::string("links.d/") + name, "no link\n");
  }
  const auto outcome = config::load(files.main_file());
  INFO(all_of(problems_of(outcome)));
  CHECK(std::get<config::loaded>(outcome).links.size() == 1);
}

TEST_CASE("config: one link more than the limit is a problem") {
  config_files files;
  for (std::size_t i = 0; i < limits::links_max; ++i) {
    const auto name = "peer-" + std::to_string(100 + i);
    files.write_link(name, "name: " + name + "\n");
  }
  CHECK(problems_of(config::load(files.main_file())).empty());
  files.write_link("zz", "name: zz\n");
  const auto problems = problems_of(config::load(files.main_file()));
  CHECK(only_problem(problems) == "there are more than 64 links");
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].file == files.path("links.d/zz.yaml"));
}

TEST_CASE(
    "config: a links directory that is not there is a warning, one that is no directory not") {
  config_files files;
  std::filesystem::remove(files.path("links.d"));
  const auto outcome = config::load(files.main_file());
  const auto& all = std::get<config::loaded>(outcome);
  CHECK(all.links.empty());
  REQUIRE(all.warnings.size() == 1);
  CHECK(all.warnings[0].file == files.path("links.d"));
  files.write("links.d", "");
  CHECK(only_problem(problems_of(config::load(files.main_file()))) == "is not a directory");
}

TEST_CASE("config: files and directories that others may write to are refused") {
  config_files files;
  files.write_link("london", "name: london\n");
  const auto problem_with = [&](const char* name, unsigned mode, unsigned mode_after) {
    files.chmod(name, mode);
    const auto problems = problems_of(config::load(files.main_file()));
    files.chmod(name, mode_after);
    return only_problem(problems);
  };
  for (const unsigned mode : {0620u, 0602u, 0666u}) {
    CAPTURE(mode);
    CHECK_THAT(problem_with("mqtt-linkd.yaml", mode, 0600), Catch::Contains("chmod go-w"));
    CHECK_THAT(problem_with("links.d/london.yaml", mode, 0600), Catch::Contains("chmod go-w"));
  }
  CHECK_THAT(problem_with("links.d", 0777, 0755), Catch::Contains("chmod go-w"));
  CHECK(problem_with("mqtt-linkd.yaml", 0644, 0600) == "");
}

TEST_CASE("config: what is no regular file is refused at once") {
  config_files files;
  const auto fifo = files.path("fifo.yaml");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(only_problem(problems_of(config::load(fifo))) == "is not a regular file");
  CHECK(only_problem(problems_of(config::load(files.path("links.d")))) == "is not a regular file");
  CHECK(only_problem(problems_of(config::load("/dev/null"))) == "is not a regular file");
  CHECK_THAT(only_problem(problems_of(config::load(files.path("nowhere")))),
             Catch::Contains("No such file"));
}

TEST_CASE("config: a link's text is checked before it is written, JSON too") {
  config_files files;
  const auto daemon =
      std::get<config::loaded_daemon>(config::load_daemon(files.main_file())).settings;
  const auto file = files.path("links.d/london.yaml");
  const auto good = config::parse_link(
      R"({"name": "london", "server": "mqtt://h", "topics": ["a/#"], "queue": {"sync": "none"}})",
      file, daemon);
  INFO(all_of(problems_of(good)));
  const auto& link = std::get<config::loaded_link>(good).settings;
  CHECK(link.topics == std::vector<std::string>{"a/#"});
  CHECK(link.queue.sync == sync_policy::none);
  const auto bad =
      problems_of(config::parse_link("{\"name\": \"london\",\n \"enable\": 1}", file, daemon));
  REQUIRE(bad.size() == 1);
  CHECK(bad[0].key == "enable");
  CHECK(bad[0].line == 2);
}

TEST_CASE("config: a link is checked beside the others before it is written") {
  config_files files;
  const auto daemon =
      std::get<config::loaded_daemon>(config::load_daemon(files.main_file())).settings;
  files.write_link("oslo", "name: oslo\nserver: mqtt://h\n");
  files.write_link("rome", "name: [\n");
  const auto problems = [&](const std::string& name, const std::string& text) {
    return config::check_link(text, files.path("links.d/" + name + ".yaml"), daemon);
  };
  CHECK(problems("london", "name: london\nserver: mqtt://i\n").empty());
  CHECK(only_problem(problems("london", "name: paris\n")).find("must be the name of the file") !=
        std::string::npos);
  // Whichever of two comes first in the directory, the one that is written is to blame.
  for (const std::string name : {"london", "vienna"}) {
    const auto found = problems(name, "name: " + name + "\nserver: mqtt://h\n");
    CHECK(only_problem(found).find("the same server and client_id_prefix") != std::string::npos);
  }
  CHECK(problems("rome", "name: rome\n").empty());
  CHECK(problems("oslo", "name: oslo\nserver: mqtt://h\nenable: false\n").empty());
}

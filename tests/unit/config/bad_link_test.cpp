#include <catch2/catch.hpp>

#include "tests/unit/config/fixture.hpp"

using namespace linkd;
using namespace linkd::test;

namespace {

struct mistake {
  const char* text;  // after the line "name: london"
  int line, column;
  const char* key;
  const char* says;
};

const mistake mistakes[] = {
    {"topic: []\n", 2, 1, "", "unknown key 'topic'; did you mean topics?"},
    {"enable: 1\n", 2, 9, "enable", "must be true or false"},
    // Servers.
    {"server: unix:///run/m.sock\n", 2, 9, "server", "mqtt://, mqtts://, ws:// or wss://"},
    {"server: mqtt://::1\n", 2, 9, "server", "an IPv6 address stands in [ ]"},
    {"server: ['mqtt://a', 'tcp://b']\n", 2, 22, "server[1]", "must begin with"},
    {"server: ['mqtt://a', 'mqtt://a:1883']\n", 2, 22, "server[1]", "in the list already"},
    {"server: ['mqtt://a', {}]\n", 2, 22, "server[1]", "must be text"},
    {"server: {}\n", 2, 9, "server", "must be one value"},
    {"server: ['mqtt://a', 'wss://b']\n", 2, 9, "server", "either of brokers"},
    {"server: ws://h\n", 2, 9, "server", "use wss:// (or insecure: true)"},
    {"server: mqtt://h\ntls: {server_name: x}\n", 3, 6, "tls", "use mqtts:// or wss://"},
    {"server: mqtts://h\ntls: {ca_file: nowhere.pem}\n", 3, 16, "tls.ca_file", "No such file"},
    {"server: mqtts://h\ntls: {cert_file: pem}\n", 3, 18, "tls.cert_file", "needs key_file"},
    {"server: mqtts://h\ntls: {key_file: secret}\n", 3, 17, "tls.key_file", "needs cert_file"},
    {"server: mqtts://h\ntls: {key_file: open, cert_file: pem}\n", 3, 17, "tls.key_file",
     "chmod 600"},
    // Filters.
    {"topics: a/#\n", 2, 9, "topics", "must be a list"},
    {"topics: [a, [b]]\n", 2, 13, "topics[1]", "must be text"},
    {"topics: ['a/#/b']\n", 2, 10, "topics[0]", "'a/#/b'"},
    {"topics: ['a+']\n", 2, 10, "topics[0]", "'a+'"},
    {"topics: [\"\"]\n", 2, 10, "topics[0]", ""},
    {"topics: [\"a\\tb\"]\n", 2, 10, "topics[0]", "control characters"},
    {"topics: ['$share/g/a']\n", 2, 10, "topics[0]", "$share cannot be linked"},
    {"topics: ['$queue/a']\n", 2, 10, "topics[0]", "$queue cannot be linked"},
    {"topics: ['$exclusive/a']\n", 2, 10, "topics[0]", "$exclusive cannot be linked"},
    {"topics: ['$LINK/#']\n", 2, 10, "topics[0]", "is under the control prefix '$LINK'"},
    {"topics: ['$LINK/+/from/a']\n", 2, 10, "topics[0]", "is under the control prefix"},
    {"control_prefix: x/y\ntopics: ['x/y']\n", 3, 10, "topics[0]", "control prefix 'x/y'"},
    {"topics: [a, b, a]\n", 2, 16, "topics[2]", "'a' is there already, as topics[0]"},
    {"topics: [a/b, 'a/+']\n", 2, 10, "topics[0]", "'a/b' is covered by 'a/+'"},
    {"topics: ['+/#', 'a/b']\n", 2, 17, "topics[1]", "'a/b' is covered by '+/#'"},
    {"topics:\n  - a\n  - a/#\n", 3, 5, "topics[0]", "'a' is covered by 'a/#'"},
    {"allow: ['#', a]\n", 2, 14, "allow[1]", "'a' is covered by '#'"},
    {"allow: ['$share/g/a']\n", 2, 9, "allow[0]", "$share cannot be linked"},
    // Accept and keys.
    {"accept: {certificate: london}\n", 2, 9, "accept", "needs listen"},
    {"accept: {cert: london}\n", 2, 10, "", "unknown key 'cert' in accept"},
    {"frame_key_file: open\n", 2, 17, "frame_key_file", "chmod 600"},
    {"control_prefix: '#'\n", 2, 17, "control_prefix", ""},
    // Numbers and words.
    {"interest_expiry: 0s\n", 2, 18, "interest_expiry", "must be from 1s to 3650d"},
    {"compression: gzip\n", 2, 14, "compression", "one of zstd, none"},
    {"retained: yes\n", 2, 11, "retained", "one of live, off"},
    {"queue: {max_bytes: 1023KiB}\n", 2, 20, "queue.max_bytes", "must be from 1MiB to 64TiB"},
    {"queue: {max_bytes: lots}\n", 2, 20, "queue.max_bytes", "must be a size"},
    {"queue: {max_age: 0s}\n", 2, 18, "queue.max_age", "must be from 1s"},
    {"queue: {overflow: block}\n", 2, 19, "queue.overflow", "drop_oldest, drop_newest"},
    {"queue: {sync: always}\n", 2, 15, "queue.sync", "one of batch, none"},
    {"queue: {qos0: drop}\n", 2, 15, "queue.qos0", "one of keep, live"},
    {"mqtt: {protocol: 3.1}\n", 2, 18, "mqtt.protocol", "one of auto, 5, 3.1.1"},
    {"mqtt: {keepalive: 4s}\n", 2, 19, "mqtt.keepalive", "must be from 5s"},
    {"mqtt: {connections: 0}\n", 2, 21, "mqtt.connections", "must be from 1 to 16"},
    {"mqtt: {connections: 17}\n", 2, 21, "mqtt.connections", "must be from 1 to 16"},
    {"mqtt: {connections: -1}\n", 2, 21, "mqtt.connections", "must be a whole number"},
    {"mqtt: {max_inflight: 65536}\n", 2, 22, "mqtt.max_inflight", "must be from 1 to 65535"},
    {"mqtt: {retry_interval: 999ms}\n", 2, 24, "mqtt.retry_interval", "must be from 1s to 1h"},
};

daemon_settings paris(const config_files& files) {
  return std::get<config::loaded_daemon>(config::load_daemon(files.main_file())).settings;
}

}  // namespace

TEST_CASE("config: every mistake in a link file is named with its line, column and key") {
  config_files files;
  files.write("links.d/secret", "s3cret\n");
  files.write("links.d/open", "s3cret\n");
  files.chmod("links.d/open", 0644);
  files.write("links.d/pem", "certificate\n");
  const auto daemon = paris(files);
  for (const auto& each : mistakes) {
    CAPTURE(each.text);
    const auto file = files.write_link("london", std::string("name: london\n") + each.text);
    const auto problems = problems_of(config::load_link(file, daemon));
    INFO(all_of(problems));
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].file == file);
    CHECK(problems[0].line == each.line);
    CHECK(problems[0].column == each.column);
    CHECK(problems[0].key == each.key);
    CHECK_THAT(problems[0].what, Catch::Contains(each.says));
  }
}

TEST_CASE("config: a link has the name of its file, and not that of our deployment") {
  config_files files;
  const auto daemon = paris(files);
  const auto says = [&](const char* stem, const char* text) {
    const auto problems = problems_of(config::load_link(files.write_link(stem, text), daemon));
    return problems.size() == 1 ? problems[0].key + ": " + problems[0].what : all_of(problems);
  };
  CHECK(says("london", "") == "name: is required");
  CHECK_THAT(says("london", "name: rome"), Catch::Contains("name of the file"));
  CHECK_THAT(says("paris", "name: paris"), Catch::Contains("our own deployment"));
  CHECK_THAT(says("a b", "name: a b"), Catch::Contains("letters, digits"));
  CHECK_THAT(says("..", "name: .."), Catch::Contains("letters, digits"));
}

TEST_CASE("config: a peer that dials us may be dialled too, whatever the transport") {
  config_files files;
  const auto listen = [&](const std::string& how) {
    files.write("mqtt-linkd.yaml",
                "deployment: paris\nbroker: {server: 'mqtt://127.0.0.1'}\n" + how);
    return paris(files);
  };
  files.write("password", "p\n");
  const auto load = [&](const daemon_settings& daemon, const std::string& text) {
    return all_of(problems_of(
        config::load_link(files.write_link("london", "name: london\n" + text), daemon)));
  };
  const auto daemon = listen("listen: {server: 'ws://127.0.0.1:8870'}\n");
  const std::string accept = "accept: {password_file: ../password}\n";
  CHECK(load(daemon, accept) == "");
  CHECK(load(daemon, accept + "server: mqtt://h\n") == "");
  CHECK(load(daemon, accept + "server: wss://h\n") == "");
  CHECK_THAT(load(daemon, "accept: {certificate: london}\n"), Catch::Contains("tls.ca_file"));
}

TEST_CASE("config: a list that another spelling of its only filter covers is fine") {
  config_files files;
  const auto daemon = paris(files);
  const auto file = files.write_link("london", "name: london\ntopics: ['+/#']\n");
  const auto outcome = config::load_link(file, daemon);
  INFO(all_of(problems_of(outcome)));
  CHECK(std::get<config::loaded_link>(outcome).settings.topics == std::vector<std::string>{"+/#"});
}

#include <catch2/catch.hpp>

#include "tests/unit/config/fixture.hpp"

using namespace linkd;
using namespace linkd::test;

namespace {

// One mistake each: text that follows the three lines of config_files (deployment, broker, server),
// where the problem must be and what it must say.
struct mistake {
  const char* text;
  int line, column;
  const char* key;
  const char* says;
};

const mistake mistakes[] = {
    // Words.
    {"brokr: x\n", 4, 1, "", "unknown key 'brokr'; did you mean broker?"},
    {"  keep_alive: 5s\n", 4, 3, "", "unknown key 'keep_alive' in broker; did you mean keepalive?"},
    {"completely_else: 1\n", 4, 1, "", "unknown key 'completely_else'"},
    {"log:\n  level: info\n  level: debug\n", 6, 3, "", "'level' is there already, in line 5"},
    {"log: [info]\n", 4, 6, "log", "must be `key: value` lines"},
    {"log: info\n", 4, 6, "log", "must be `key: value` lines"},
    {"log: {level: loud}\n", 4, 14, "log.level", "one of trace, debug, info, warning, error"},
    {"log: {level: [info]}\n", 4, 14, "log.level", "must be one value"},
    {"log: {format: xml}\n", 4, 15, "log.format", "one of text, json"},
    {"log: {level: !!str info}\n", 4, 14, "", "tags ('tag:yaml.org,2002:str') are not supported"},
    {"log: {level: &a info, format: *a}\n", 4, 31, "", "aliases (*name) are not supported"},
    {"log: {? [a] : b}\n", 4, 9, "", "a key must be a word"},
    {"log: {level: \"in\\nfo\"}\n", 4, 14, "log.level", "one line of UTF-8 text"},
    // Broker.
    {"  username: ${LINKD_TEST_UNSET}\n", 4, 13, "broker.username", "LINKD_TEST_UNSET"},
    {"  password: ${LINKD_TEST_UNSET}\n", 4, 13, "broker.password", "LINKD_TEST_UNSET"},
    {"  password: \"a\\0b\"\n", 4, 13, "broker.password", "without NUL"},
    {"  password_file: nowhere\n", 4, 18, "broker.password_file", "No such file"},
    {"  password_file: /\n", 4, 18, "broker.password_file", "not a regular file"},
    {"  password: a\n  password_file: secret\n", 4, 13, "broker.password", "keep one of them"},
    {"  client: mosquitto\n", 4, 11, "broker.client", "one of native, libmosquitto"},
    {"  protocol: 4\n", 4, 13, "broker.protocol", "one of auto, 5, 3.1.1"},
    {"  profile: hivemq\n", 4, 12, "broker.profile", "one of auto, mosquitto, rabbitmq"},
    {"  keepalive: 30\n", 4, 14, "broker.keepalive", "must be a duration"},
    {"  keepalive: 0s\n", 4, 14, "broker.keepalive", "must be from 5s to 65535s"},
    {"  keepalive: 65536s\n", 4, 14, "broker.keepalive", "must be from 5s to 65535s"},
    {"  keepalive: 5500ms\n", 4, 14, "broker.keepalive", "whole seconds"},
    {"  keepalive: 1m\n  session_expiry: 59s\n", 5, 19, "broker.session_expiry",
     "shorter than keepalive (1m)"},
    {"  session_expiry: 0s\n", 4, 19, "broker.session_expiry", "must be from 1s to 3650d"},
    {"  max_message: 1023\n", 4, 16, "broker.max_message", "must be from 1KiB to 256MiB"},
    {"  max_message: 257MiB\n", 4, 16, "broker.max_message", "must be from 1KiB to 256MiB"},
    {"  max_message: 1MB\n", 4, 16, "broker.max_message", "must be a size"},
    {"  receive_maximum: 0\n", 4, 20, "broker.receive_maximum", "must be from 1 to 65535"},
    {"  receive_maximum: 65536\n", 4, 20, "broker.receive_maximum", "must be from 1 to 65535"},
    {"  receive_maximum: many\n", 4, 20, "broker.receive_maximum", "must be a whole number"},
    {"  tls:\n    ca_file: pem\n", 5, 5, "broker.tls", "use mqtts://"},
    {"  tls: {verify: false}\n", 4, 8, "broker.tls", "use mqtts://"},
    {"  tls: {verify: no}\n", 4, 17, "broker.tls.verify", "must be true or false, not 'no'"},
    {"  tls: {verfy: true}\n", 4, 9, "", "did you mean verify?"},
    // Interest.
    {"interest: {source: rabbitmq}\n", 4, 11, "interest.url", "is required"},
    {"interest: {source: emqx, url: 'mqtt://h'}\n", 4, 31, "interest.url", "http://"},
    {"interest: {source: mosquitto, url: 'http://h'}\n", 4, 36, "interest.url", "rabbitmq"},
    {"interest: {source: broker}\n", 4, 20, "interest.source", "one of static, mosquitto"},
    {"interest: {poll: 0s}\n", 4, 18, "interest.poll", "must be from 1s to 1h"},
    {"interest: {linger: 2d}\n", 4, 20, "interest.linger", "to 1d"},
    {"interest: {trust_count: 1}\n", 4, 25, "interest.trust_count", "true or false"},
    // Listen.
    {"listen: {insecure: false}\n", 4, 9, "listen.server", "is required"},
    {"listen: {server: 'mqtt://0.0.0.0'}\n", 4, 18, "listen.server", "ws:// or wss://"},
    {"listen: {server: 'ws://0.0.0.0:1'}\n", 4, 18, "listen.server", "insecure: true"},
    {"listen: {server: 'ws://h', insecure: true}\n", 4, 18, "listen.server", "an address"},
    {"listen: {server: 'wss://0.0.0.0:1'}\n", 4, 18, "listen.server", "needs tls.cert_file"},
    {"listen: {server: 'ws://[::1]', tls: {verify_peer: false}}\n", 4, 37, "listen.tls", "wss://"},
    {"listen: {server: 'wss://[::1]', tls: {cert_file: pem}}\n", 4, 50, "listen.tls.cert_file",
     "needs key_file"},
    // Admin.
    {"admin: {token_file: secret}\n", 4, 8, "admin.server", "is required"},
    {"admin: {server: 'https://127.0.0.1'}\n", 4, 17, "admin.server", "http:// or unix://"},
    {"admin: {server: 'http://0.0.0.0:8871'}\n", 4, 8, "admin.token_file", "is required unless"},
    {"admin: {server: 'http://h:1', token_file: open}\n", 4, 43, "admin.token_file", "chmod 600"},
    {"admin: {server: 'http://h:1', token_file: empty}\n", 4, 43, "admin.token_file", "is empty"},
    // The rest.
    {"control_prefix: a/+/b\n", 4, 17, "control_prefix", ""},
    {"control_prefix: a/\n", 4, 17, "control_prefix", "must not end with '/'"},
    {"control_prefix: $SYS/link\n", 4, 17, "control_prefix", "belongs to the broker"},
    {"control_prefix: $share/g\n", 4, 17, "control_prefix", "belongs to the broker"},
    {"control_prefix: a2345678901234567890123456789012345678901234567890123456789012345678901234567"
     "890123456789012345678901\n",
     4, 17, "control_prefix", "at most 100 bytes"},
    {"state_dir: [x]\n", 4, 12, "state_dir", "must be one value"},
};

}  // namespace

TEST_CASE("config: every mistake in mqtt-linkd.yaml is named with its line, column and key") {
  config_files files;
  files.write("secret", "s3cret\n");
  files.write("empty", "");
  files.write("open", "s3cret\n");
  files.chmod("open", 0644);
  files.write("pem", "certificate\n");
  const auto base = read_file(files.main_file());
  for (const auto& each : mistakes) {
    CAPTURE(each.text);
    files.write("mqtt-linkd.yaml", base + each.text);
    const auto problems = problems_of(config::load_daemon(files.main_file()));
    INFO(all_of(problems));
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].file == files.main_file());
    CHECK(problems[0].line == each.line);
    CHECK(problems[0].column == each.column);
    CHECK(problems[0].key == each.key);
    CHECK_THAT(problems[0].what, Catch::Contains(each.says));
  }
}

TEST_CASE("config: what is required and missing is named") {
  config_files files;
  const auto problems_in = [&](const char* text) {
    files.write("mqtt-linkd.yaml", text);
    std::string found;
    for (const auto& each : problems_of(config::load_daemon(files.main_file()))) {
      found += each.key + ": " + each.what + "; ";
    }
    return found;
  };
  CHECK(problems_in("") == "deployment: is required; broker: is required; ");
  CHECK(problems_in("# nothing\n") == "deployment: is required; broker: is required; ");
  CHECK(problems_in("deployment:\nbroker:\n") == "deployment: is required; broker: is required; ");
  CHECK(problems_in("deployment: ''\nbroker: {username: a}\n") ==
        "deployment: is required; broker.server: is required; ");
}

TEST_CASE("config: a name that could be a path or markup is refused") {
  config_files files;
  for (const std::string name : {"'../x'", "/etc", "'..'", "a.b", "'<b>'", "-a", "'a b'"}) {
    CAPTURE(name);
    files.write("mqtt-linkd.yaml",
                "deployment: " + name + "\nbroker: {server: 'mqtt://127.0.0.1'}\n");
    const auto problems = problems_of(config::load_daemon(files.main_file()));
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].key == "deployment");
    CHECK(problems[0].line == 1);
    CHECK(problems[0].column == 13);
  }
}

TEST_CASE("config: problems are shown as file:line:column: key: what") {
  CHECK(to_string(config::problem{"a.yaml", 3, 7, "queue.sync", "is odd"}) ==
        "a.yaml:3:7: queue.sync: is odd");
  CHECK(to_string(config::problem{"a.yaml", 1, 1, "", "is odd"}) == "a.yaml:1:1: is odd");
}

TEST_CASE("config: no message repeats a password") {
  config_files files;
  files.write("mqtt-linkd.yaml",
              "deployment: paris\n"
              "broker:\n"
              "  server: mqtt://paris:canary@127.0.0.1\n"
              "  password: \"canary\\0\"\n"
              "  password_file: nowhere\n");
  const auto problems = problems_of(config::load_daemon(files.main_file()));
  CHECK(problems.size() == 4);
  CHECK(all_of(problems).find("canary") == std::string::npos);
}

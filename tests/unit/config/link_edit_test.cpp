#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>
#include <sstream>

#include "config/link_json.hpp"
#include "tests/support/environment_variable.hpp"
#include "tests/unit/config/fixture.hpp"

using namespace linkd;
using namespace linkd::test;
namespace json = boost::json;

namespace {

daemon_settings paris() {
  daemon_settings daemon;
  daemon.deployment = "paris";
  return daemon;
}

const std::string file = "/etc/mqtt-linkd/links.d/london.yaml";

link_settings parsed(const std::string& text) {
  const auto outcome = config::parse_link(text, file, paris());
  INFO(text << all_of(problems_of(outcome)));
  REQUIRE(problems_of(outcome).empty());
  return std::get<config::loaded_link>(outcome).settings;
}

std::string edited(const std::string& text, const json::object& wanted) {
  const auto outcome = config::edit_link(file, text, nullptr, wanted, paris());
  INFO(all_of(problems_of(outcome)));
  REQUIRE(problems_of(outcome).empty());
  return std::get<std::string>(outcome);
}

// The link in `text` with one key, "queue.max_bytes", changed.
json::object with(const std::string& text, const std::string& key, const json::value& value) {
  auto link = config::link_json(parsed(text));
  const auto dot = key.find('.');
  if (dot == std::string::npos) {
    link[key] = value;
  } else {
    link[key.substr(0, dot)].as_object()[key.substr(dot + 1)] = value;
  }
  return link;
}

const std::string commented =
    "# Our link to London.\n"
    "name: london\n"
    "\n"
    "# Through their broker:\n"
    "server: mqtt://mqtt.london.example  # the port is the usual one\n"
    "topics:\n"
    "  # All of them\n"
    "- orders/#\n"
    "- 'fleet/+/alerts'\n"
    "#allow: [\"#\"]\n"
    "queue: { max_bytes: 2GiB,\n"
    "         max_age: 7d }\n"
    "# The end.\n";

}  // namespace

TEST_CASE("link json: every key of the sample file is there, with the values in force") {
  const auto link = config::link_json(
      parsed("name: london\nserver: [mqtt://a, 'mqtts://[::1]:9']\nusername: u\npassword: p\n"
             "topics: [a/#]\ninterest_expiry: 90s\nqueue: {max_bytes: 1536KiB, qos0: live}\n"
             "mqtt: {protocol: 3.1.1, connections: 3}\ntls: {verify: false}\nenable: false\n"));
  CHECK(json::value(link) == json::parse(R"({
    "name": "london", "enable": false, "server": ["mqtt://a:1883", "mqtts://[::1]:9"],
    "insecure": false, "username": "u", "password": "******", "password_file": "",
    "client_id_prefix": "paris", "control_prefix": "$LINK", "topics": ["a/#"], "allow": ["#"],
    "accept": null, "frame_key_file": "", "interest_expiry": "90s", "compression": "zstd",
    "retained": "live",
    "queue": {"max_bytes": "1536KiB", "max_age": "7d", "overflow": "drop_oldest", "sync": "batch",
              "qos0": "live"},
    "mqtt": {"protocol": "3.1.1", "keepalive": "30s", "connections": 3, "max_inflight": 16,
             "retry_interval": "15s"},
    "tls": {"ca_file": "", "cert_file": "", "key_file": "", "verify": false, "server_name": ""}
  })"));
}

TEST_CASE("link edit: sent back as shown, the file stays as it is, byte for byte") {
  for (const std::string& text : {commented, std::string("name: london\n"),
                                  std::string("---\nname: london\npassword: x\n")}) {
    CHECK(edited(text, config::link_json(parsed(text))) == text);
  }
}

TEST_CASE("link edit: a key that changes is written anew, its neighbours stay") {
  CHECK(edited(commented, with(commented, "enable", false)) ==
        commented.substr(0, commented.size()) + "enable: false\n");
  const auto text = edited(commented, with(commented, "topics", json::array{"a b/#"}));
  CHECK(text.find("- orders") == std::string::npos);
  CHECK(text.find(
            "# the port is the usual one\ntopics: [\"a b/#\"]\n#allow: [\"#\"]\nqueue: { max") !=
        std::string::npos);
  CHECK(parsed(text).topics == std::vector<std::string>{"a b/#"});
  const auto queue = edited(commented, with(commented, "queue.qos0", "live"));
  CHECK(queue.find("queue:\n  max_bytes: 2GiB\n  max_age: 7d\n  qos0: live\n# The end.\n") !=
        std::string::npos);
}

TEST_CASE("link edit: a key that is left out, null, empty or the default goes") {
  const std::string text = "name: london\n# who we are\nusername: u\ntopics: [a]\n";
  const std::string without = "name: london\n# who we are\ntopics: [a]\n";
  CHECK(edited(text, with(text, "username", nullptr)) == without);
  CHECK(edited(text, with(text, "username", "")) == without);
  auto link = with(text, "username", "");
  link.erase("username");
  link.erase("queue");
  CHECK(edited(text, link) == without);
}

TEST_CASE("link edit: a masked secret and the environment stay in the file as they are") {
  const environment_variable secret("LINKD_EDIT_TEST", "hidden");
  const std::string text =
      "name: london\nusername: ${LINKD_EDIT_TEST}\npassword: ${LINKD_EDIT_TEST}\n";
  const auto shown = config::link_json(parsed(text));
  CHECK(json::serialize(shown).find("\"password\":\"hidden\"") == std::string::npos);
  const auto changed = edited(text, with(text, "topics", json::array{"a"}));
  CHECK(changed == text + "topics: [a]\n");
  CHECK(parsed(changed).login.password.reveal() == "hidden");
  CHECK(edited(text, with(text, "password", "new one")) ==
        "name: london\nusername: ${LINKD_EDIT_TEST}\npassword: \"new one\"\n");
}

TEST_CASE("link edit: the environment is not for the API, and a mask is no password") {
  const auto refused = [](const std::string& key, const json::value& value) {
    const auto problems = problems_of(config::edit_link(
        file, "name: london\n", nullptr, with("name: london\n", key, value), paris()));
    return problems.size() == 1 ? problems[0].key : all_of(problems);
  };
  CHECK(refused("username", "${HOME}") == "username");
  CHECK(refused("password", "a${HOME}") == "password");
  CHECK(refused("topics", json::array{"a", "${HOME}/b"}) == "topics[1]");
  CHECK(refused("tls.server_name", "${HOME}") == "tls.server_name");
  CHECK(refused("password", "******") == "password");
}

TEST_CASE("link edit: of a file with errors nothing is kept but the secret that runs") {
  link_settings running = parsed("name: london\nusername: u\npassword: hidden\n");
  auto wanted = config::link_json(running);
  wanted["topics"] = json::array{"a"};
  const auto outcome =
      config::edit_link(file, "name: london\npassword: [\n", &running, wanted, paris());
  const auto* text = std::get_if<std::string>(&outcome);
  REQUIRE(text);
  CHECK(*text == "name: london\nusername: u\npassword: hidden\ntopics: [a]\n");
}

TEST_CASE("link edit: a new file has what is not default, and one of JSON becomes YAML") {
  const auto text = edited("", json::parse(R"({"name": "london", "enable": true,
    "server": "mqtt://h", "topics": [], "allow": ["a/#", "b"],
    "queue": {"max_bytes": "2GiB", "max_age": "7d"}, "accept": null})")
                                   .as_object());
  CHECK(text ==
        "name: london\nserver: \"mqtt://h\"\nallow: [\"a/#\", b]\nqueue:\n  max_bytes: 2GiB\n");
  const std::string in_json = R"({"name": "london", "topics": ["a"]})";
  CHECK(edited(in_json, with(in_json, "enable", false)) ==
        "name: london\ntopics: [a]\nenable: false\n");
}

TEST_CASE("link edit: what is written reads as what was wanted, whatever the texts") {
  for (const std::string text :
       {"null",   "~",    "true", "- a", "a: b", "a #b", "#",   "'",   "\"",  "\\",
        "*a",     "&a",   "!a",   "%a",  "@a",   "`a",   "[",   "]",   "{}",  " lead",
        "trail ", "0x10", "1e3",  "ü😀",  "a,b",  "?",    "? x", "---", "...", "a\\nb"}) {
    CAPTURE(text);
    for (const char* key : {"username", "password", "client_id_prefix"}) {
      const auto again = parsed(edited(commented, with(commented, key, json::value(text))));
      CHECK((key == std::string("password")           ? again.login.password.reveal()
             : key == std::string("client_id_prefix") ? again.client_id_prefix
                                                      : again.login.username) == text);
      CHECK(again.topics.size() == 2);
    }
  }
  const std::string odd = "line\nbreak\ttab\x01 and \x7f";
  CHECK(parsed(edited(commented, with(commented, "password", json::value(odd))))
            .login.password.reveal() == odd);
}

TEST_CASE("link edit: JSON of the wrong shape is refused by the validator, never by a crash") {
  for (const char* wrong :
       {R"({"name": {"a": 1}})", R"({"name": ["london"]})", R"({"name": "london", "queue": []})",
        R"({"name": "london", "queue": {"max_bytes": {"a": {}}}})",
        R"({"name": "london", "topics": [["a"]]})", R"({"name": "london", "topics": [{"a": 1}]})",
        R"({"name": "london", "topics": [null]})", R"({"name": "london", "topics": 7})",
        R"({"name": "london", "server": {"a": "b"}})", R"({"name": "london", "colour": "red"})",
        R"({"name": "london", "a: b\n": "red"})",
        R"({"name": "london", "enable: true\ntopics": ["x"]})", R"({"name": "london", "": 1})",
        R"({"name": "london", "enable": "maybe"})",
        R"({"name": "london", "mqtt": {"connections": 1.5}})", R"({})"}) {
    CAPTURE(wrong);
    const auto outcome =
        config::edit_link(file, commented, nullptr, json::parse(wrong).as_object(), paris());
    if (const auto* text = std::get_if<std::string>(&outcome)) {
      CHECK_FALSE(problems_of(config::parse_link(*text, file, paris())).empty());
    } else {
      CHECK_FALSE(problems_of(outcome).empty());
    }
  }
}

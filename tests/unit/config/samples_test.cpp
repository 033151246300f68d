#include <catch2/catch.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "tests/unit/config/fixture.hpp"

using namespace linkd;
using namespace linkd::test;

namespace {

const std::string etc = LINKD_ETC;

// Comments that are keys ("#key:", no space) become keys.
std::string all_keys(const std::string& sample) {
  std::istringstream lines(sample);
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    out += std::regex_replace(line, std::regex("^( *)#([a-z])"), "$1$2") + "\n";
  }
  return out;
}

daemon_settings documented(const config_files& files) {
  daemon_settings out;
  out.deployment = "paris";
  out.broker.server = {scheme::mqtt, "127.0.0.1", 1883};
  out.broker.client_id = "mqtt-linkd-paris";
  out.links_dir = files.path("links.d");
  return out;
}

link_settings documented_link() {
  link_settings out;
  out.name = "london";
  out.servers = {{scheme::mqtt, "mqtt.london.example", 1883}};
  out.client_id_prefix = "paris";
  out.control_prefix = "$LINK";
  out.topics = {"orders/#", "fleet/+/alerts"};
  return out;
}

}  // namespace

TEST_CASE("config: the samples load, and what they leave out has the documented defaults") {
  config_files files;
  files.write("mqtt-linkd.yaml", read_file(etc + "/mqtt-linkd.yaml"));
  files.write_link("london", read_file(etc + "/links.d/london.yaml.sample"));
  const auto outcome = config::load(files.main_file());
  INFO(all_of(problems_of(outcome)));
  const auto& all = std::get<config::loaded>(outcome);
  CHECK((all.daemon == documented(files)));
  REQUIRE(all.links.size() == 1);
  CHECK((all.links[0] == documented_link()));
  CHECK(all_of(all.warnings) == "");
}

TEST_CASE("config: every key that the samples show as a comment is a key with that default") {
  config_files files;
  auto main_text = all_keys(read_file(etc + "/mqtt-linkd.yaml"));
  // The sample of `listen` needs a certificate, which the test has not.
  main_text = std::regex_replace(main_text, std::regex("wss://0.0.0.0"), "ws://127.0.0.1");
  files.write("mqtt-linkd.yaml", main_text);
  files.write_link("london", all_keys(read_file(etc + "/links.d/london.yaml.sample")));
  const auto outcome = config::load(files.main_file());
  INFO(all_of(problems_of(outcome)));
  const auto& all = std::get<config::loaded>(outcome);

  auto expected = documented(files);
  expected.listen = listen_settings{{scheme::ws, "127.0.0.1", 8870}, {}, false};
  expected.admin = admin_settings{{scheme::http, "127.0.0.1", 8871}, ""};
  CHECK((all.daemon == expected));
  REQUIRE(all.links.size() == 1);
  CHECK((all.links[0] == documented_link()));
}

TEST_CASE("config: the samples show every key that is read") {
  const auto keys_of = [](const std::string& source) {
    std::set<std::string> keys;
    const auto text = read_file(LINKD_CONFIG_SOURCES "/" + source);
    const std::regex read(R"re((?:\.(?:flag|text|password|size|duration|server|servers|path|)re"
                          R"re(readable_file|secret_file|map|choice|integer<\w+::\w+>)\(|)re"
                          R"re(read_filters\(in, |key = )"(\w+)")re");
    for (std::sregex_iterator at(text.begin(), text.end(), read), end; at != end; ++at) {
      keys.insert((*at)[1]);
    }
    return keys;
  };
  const auto missing = [&](const std::string& source, const std::string& sample) {
    const auto text = all_keys(read_file(etc + sample));
    std::string out;
    for (const auto& key : keys_of(source)) {
      if (!std::regex_search(text, std::regex("(^|\n) *" + key + ":"))) out += key + " ";
    }
    return out;
  };
  REQUIRE(keys_of("daemon_file.cpp").size() > 20);
  REQUIRE(keys_of("link_file.cpp").size() > 20);
  REQUIRE(keys_of("shared_sections.cpp").size() > 8);
  CHECK(missing("daemon_file.cpp", "/mqtt-linkd.yaml") == "");
  CHECK(missing("link_file.cpp", "/links.d/london.yaml.sample") == "");
  CHECK(missing("shared_sections.cpp", "/mqtt-linkd.yaml") == "");
  CHECK(missing("shared_sections.cpp", "/links.d/london.yaml.sample") == "");
}

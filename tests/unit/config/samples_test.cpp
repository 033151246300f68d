#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <iterator>
#include <set>
#include <sstream>

#include "config/link_json.hpp"
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
    const auto hash = line.find_first_not_of(' ');
    if (hash + 1 < line.size() && line[hash] == '#' && std::islower(line[hash + 1]) != 0) {
      line.erase(hash, 1);
    }
    out += line + "\n";
  }
  return out;
}

// The first words of all lines.
std::set<std::string> keys_in(const std::string& text) {
  std::istringstream lines(text);
  std::set<std::string> keys;
  for (std::string line; std::getline(lines, line);) {
    const auto start = std::min(line.find_first_not_of(' '), line.size());
    keys.insert(line.substr(start, line.find(':') - start));
  }
  return keys;
}

// The keys a source file reads: every one is the first text in the parentheses of a call.
std::set<std::string> keys_read_by(const std::string& source) {
  const auto text = read_file(LINKD_CONFIG_SOURCES "/" + source);
  std::set<std::string> keys;
  for (const std::string before : {"(\"", "(in, \"", "key = \""}) {
    for (auto at = text.find(before); at != std::string::npos; at = text.find(before, at + 1)) {
      const auto start = at + before.size();
      const auto end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", start);
      if (end > start && text[end] == '"') keys.insert(text.substr(start, end - start));
    }
  }
  return keys;
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
  const std::string listener = "wss://0.0.0.0";
  main_text.replace(main_text.find(listener), listener.size(), "ws://127.0.0.1");
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
  const auto missing = [](const std::string& source, const std::string& sample) {
    const auto read = keys_read_by(source);
    REQUIRE(read.size() > 5);
    const auto shown = keys_in(all_keys(read_file(etc + sample)));
    std::vector<std::string> out;
    std::ranges::set_difference(read, shown, std::back_inserter(out));
    return out;
  };
  const std::vector<std::string> none;
  CHECK(missing("daemon_file.cpp", "/mqtt-linkd.yaml") == none);
  CHECK(missing("link_file.cpp", "/links.d/london.yaml.sample") == none);
  CHECK(missing("shared_sections.cpp", "/mqtt-linkd.yaml") == none);
  CHECK(missing("shared_sections.cpp", "/links.d/london.yaml.sample") == none);
}

TEST_CASE("config: the JSON of a link shows every key that is read") {
  auto link = documented_link();
  link.accept.emplace();
  std::set<std::string> shown;
  for (const auto& [key, value] : config::link_json(link)) {
    shown.insert(key);
    if (!value.is_object()) continue;
    for (const auto& inner : value.get_object()) shown.insert(inner.key());
  }
  for (const std::string source : {"link_file.cpp", "shared_sections.cpp"}) {
    for (const std::string& key : keys_read_by(source)) {
      CAPTURE(source, key);
      CHECK(shown.contains(key));
    }
  }
}

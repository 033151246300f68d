#include <sysexits.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

using namespace linkd::test;

namespace {

// The real program, once, to its end.
finished_process mqtt_linkd(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), MQTT_LINKD);
  return run(arguments);
}

const std::string good = "deployment: paris\nbroker: {server: 'mqtt://127.0.0.1'}\n";

}  // namespace

TEST_CASE("mqtt-linkd: -t accepts a right configuration and counts its links") {
  const temp_dir dir;
  const auto file = dir.path() / "mqtt-linkd.yaml";
  write_file(file, good);
  write_file(dir.path() / "links.d" / "oslo.yaml", "name: oslo\n");
  auto done = mqtt_linkd({"-t", "-c", file.string()});
  CHECK(done.output == "configuration ok: 1 link\n");
  CHECK(done.exit_code == EX_OK);
  write_file(dir.path() / "links.d" / "rome.yaml",
             "name: rome\nserver: ws://rome\ninsecure: true\n");
  done = mqtt_linkd({"-t", "-c", file.string()});
  CHECK_THAT(done.output, Catch::Contains("rome.yaml:3:11: insecure: warning: "));
  CHECK_THAT(done.output, Catch::EndsWith("configuration ok: 2 links\n"));
  CHECK(done.exit_code == EX_OK);
}

TEST_CASE("mqtt-linkd: -t prints every problem and ends with 78") {
  const temp_dir dir;
  const auto file = (dir.path() / "mqtt-linkd.yaml").string();
  write_file(file, good + "log: {level: loud}\nnonsense: 1\n");
  const auto link = (dir.path() / "links.d" / "oslo.yaml").string();
  write_file(link, "name: rome\n");
  const auto done = mqtt_linkd({"-t", "-c", file});
  INFO(done.output);
  CHECK_THAT(done.output, Catch::Contains(file + ":3:14: log.level: must be one of"));
  CHECK_THAT(done.output, Catch::Contains(file + ":4:1: unknown key 'nonsense'"));
  CHECK_THAT(done.output, Catch::Contains(link + ":1:7: name: "));
  CHECK(std::ranges::count(done.output, '\n') == 3);
  CHECK(done.exit_code == EX_CONFIG);
}

TEST_CASE("mqtt-linkd: a configuration that is not there ends with 78") {
  const auto done = mqtt_linkd({"-t", "-c", "/nonexistent/mqtt-linkd.yaml"});
  CHECK_THAT(done.output, Catch::StartsWith("/nonexistent/mqtt-linkd.yaml:1:1: "));
  CHECK(done.exit_code == EX_CONFIG);
}

TEST_CASE("mqtt-linkd: wrong usage ends with 64, --help and --version with 0") {
  auto done = mqtt_linkd({"--nonsense"});
  CHECK_THAT(done.output, Catch::StartsWith("mqtt-linkd: unknown option '--nonsense'\nusage: "));
  CHECK(done.exit_code == EX_USAGE);
  done = mqtt_linkd({"--help"});
  CHECK_THAT(done.output, Catch::StartsWith("usage: mqtt-linkd"));
  CHECK(done.exit_code == EX_OK);
  done = mqtt_linkd({"--version"});
  CHECK_THAT(done.output, Catch::StartsWith("mqtt-linkd "));
  CHECK(done.exit_code == EX_OK);
}

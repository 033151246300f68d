#include "cli/options.hpp"

#include <catch2/catch.hpp>
#include <vector>

using linkd::cli::options;
using linkd::cli::parse_options;

namespace {

auto parse(std::vector<std::string> words) {
  std::vector<char*> arguments;
  words.insert(words.begin(), "mqtt-linkd");
  for (auto& each : words) arguments.push_back(each.data());
  arguments.push_back(nullptr);
  return parse_options(static_cast<int>(words.size()), arguments.data());
}

options parsed(const std::vector<std::string>& words) {
  return std::get<options>(parse(words));
}

}  // namespace

TEST_CASE("cli: options say what to do and with which file") {
  CHECK(parsed({}).what == options::action::run);
  CHECK(parsed({}).config_file == "/etc/mqtt-linkd/mqtt-linkd.yaml");
  CHECK(parsed({"-c", "x"}).config_file == "x");
  CHECK(parsed({"-cx"}).config_file == "x");
  CHECK(parsed({"--config=x", "-t"}).config_file == "x");
  CHECK(parsed({"-t"}).what == options::action::check);
  CHECK(parsed({"-t", "-c", "x"}).what == options::action::check);
  CHECK(parsed({"-tc", "x"}).config_file == "x");
  CHECK(parsed({"--version"}).what == options::action::show_version);
  CHECK(parsed({"--help"}).what == options::action::show_help);
  CHECK(parsed({"--help", "nonsense"}).what == options::action::show_help);
}

TEST_CASE("cli: what is wrong with the arguments is named") {
  const auto fault = [](const std::vector<std::string>& words) {
    const auto outcome = parse(words);
    const auto* text = std::get_if<std::string>(&outcome);
    return text == nullptr ? "" : *text;
  };
  CHECK(fault({"-x"}) == "unknown option '-x'");
  CHECK(fault({"-t", "--nonsense"}) == "unknown option '--nonsense'");
  CHECK(fault({"--version=1"}) == "unknown option '--version=1'");
  CHECK(fault({"-t", "-c"}) == "option '-c' needs a value");
  CHECK(fault({"file.yaml"}) == "unexpected argument 'file.yaml'");
  CHECK(fault({"-c", "x", "y"}) == "unexpected argument 'y'");
}

#pragma once

#include <string>
#include <variant>

// The command line of mqtt-linkd (DESIGN section 5).
namespace linkd::cli {

struct options {
  enum class action { run, check, show_version, show_help };
  action what = action::run;
  std::string config_file = "/etc/mqtt-linkd/mqtt-linkd.yaml";
};

// The second alternative says what is wrong with the arguments. Not for two threads at once
// (getopt_long).
std::variant<options, std::string> parse_options(int argc, char* const argv[]);

std::string usage();

}  // namespace linkd::cli

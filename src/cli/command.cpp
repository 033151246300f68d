#include "cli/command.hpp"

#include <sysexits.h>

#include <ostream>

#include "cli/options.hpp"
#include "config/config.hpp"

namespace linkd::cli {
namespace {

int check(const std::string& config_file, std::ostream& out, std::ostream& err) {
  const auto outcome = config::load(config_file);
  if (const auto* problems = std::get_if<std::vector<config::problem>>(&outcome)) {
    for (const auto& each : *problems) err << to_string(each) << '\n';
    return EX_CONFIG;
  }
  const auto& configuration = std::get<config::loaded>(outcome);
  for (auto each : configuration.warnings) {
    each.what = "warning: " + each.what;
    err << to_string(each) << '\n';
  }
  const auto links = configuration.links.size();
  out << "configuration ok: " << links << (links == 1 ? " link\n" : " links\n");
  return EX_OK;
}

}  // namespace

int run_command(int argc, char* const argv[],
                const std::function<int(const std::string& config_file)>& run_daemon,
                std::ostream& out, std::ostream& err) {
  const auto parsed = parse_options(argc, argv);
  if (const auto* fault = std::get_if<std::string>(&parsed)) {
    err << "mqtt-linkd: " << *fault << "\n" << usage();
    return EX_USAGE;
  }
  const auto& chosen = std::get<options>(parsed);
  switch (chosen.what) {
    case options::action::show_version:
      out << "mqtt-linkd " << LINKD_VERSION << '\n';
      return EX_OK;
    case options::action::show_help:
      out << usage();
      return EX_OK;
    case options::action::check:
      return check(chosen.config_file, out, err);
    case options::action::run:
      break;
  }
  return run_daemon(chosen.config_file);
}

}  // namespace linkd::cli

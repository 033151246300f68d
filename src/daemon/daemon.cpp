#include "daemon/daemon.hpp"

#include <sysexits.h>

#include <iostream>

#include "daemon/running_daemon.hpp"

namespace linkd::daemon {
namespace {

int exit_code(const error& failure) {
  switch (failure.code) {
    case errc::permission:
      return EX_NOPERM;
    case errc::io:
    case errc::no_space:
      return EX_IOERR;
    default:
      return EX_CANTCREAT;
  }
}

}  // namespace

int run(const std::string& config_file) {
  platform::harden_process();
  auto read = config::load(config_file);
  if (const auto* problems = std::get_if<std::vector<config::problem>>(&read)) {
    for (const config::problem& each : *problems) std::cerr << to_string(each) << '\n';
    return EX_CONFIG;
  }
  auto& configuration = std::get<config::loaded>(read);
  platform::spdlog_logger log(configuration.daemon.log);
  auto state = state_directory::open(configuration.daemon.state_dir);
  if (!state) {
    log.write(log_level::error, "state_directory", "", state.error().text);
    return exit_code(state.error());
  }
  running_daemon all(config_file, std::move(configuration), std::move(*state), log);
  return all.run();
}

}  // namespace linkd::daemon

#include <sysexits.h>

#include <iostream>

#include "cli/command.hpp"

int main(int argc, char* argv[]) {
  const auto run_daemon = [](const std::string&) {
    std::cerr << "mqtt-linkd: this build can only check configurations (-t)\n";
    return EX_UNAVAILABLE;
  };
  return linkd::cli::run_command(argc, argv, run_daemon, std::cout, std::cerr);
}

#include <iostream>

#include "cli/command.hpp"
#include "daemon/daemon.hpp"

int main(int argc, char* argv[]) {
  return linkd::cli::run_command(argc, argv, linkd::daemon::run, std::cout, std::cerr);
}

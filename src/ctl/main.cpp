#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "ctl/commands.hpp"

int main(int argc, char* argv[]) {
  const auto parsed = linkd::ctl::parse_options(argc, argv);
  if (parsed.ends) {
    (parsed.exit_code == 0 ? std::cout : std::cerr) << parsed.text;
    return parsed.exit_code;
  }
  const bool out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  linkd::ctl::screen screen;
  if (winsize size{}; out_is_terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
    screen.columns = size.ws_col;
  }
  screen.coloured = out_is_terminal && std::getenv("NO_COLOR") == nullptr;
  return linkd::ctl::run(parsed.chosen, {std::cout, std::cerr, std::cin,
                                         ::isatty(STDIN_FILENO) == 1, out_is_terminal, screen});
}

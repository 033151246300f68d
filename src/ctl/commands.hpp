#pragma once

#include <iosfwd>

#include "ctl/options.hpp"
#include "ctl/table.hpp"

namespace linkd::ctl {

struct terminal {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  linkd::ctl::screen screen;
};

// Does what the command line says; the exit code (options.cpp, "Exit codes").
int run(const options& chosen, const terminal& with);

}  // namespace linkd::ctl

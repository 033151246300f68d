#pragma once

#include <string>

namespace linkd::ctl {

// The script that completes commands, options and, asking the daemon, names of links.
std::string bash_completion();

}  // namespace linkd::ctl

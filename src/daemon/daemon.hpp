#pragma once

#include <string>

namespace linkd::daemon {

// Runs the daemon in the foreground until SIGTERM or SIGINT. Answers the exit code (<sysexits.h>):
// 0 after an orderly stop, 64 to 78 if it cannot start, each with its reason on stderr.
int run(const std::string& config_file);

}  // namespace linkd::daemon

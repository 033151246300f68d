#pragma once

#include <functional>
#include <iosfwd>
#include <string>

namespace linkd::cli {

// What `mqtt-linkd` does with its arguments, as an exit code of <sysexits.h>. Only a valid command
// line without -t, --version or --help reaches `run_daemon`, which reads the configuration itself.
int run_command(int argc, char* const argv[],
                const std::function<int(const std::string& config_file)>& run_daemon,
                std::ostream& out, std::ostream& err);

}  // namespace linkd::cli

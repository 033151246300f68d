#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"

namespace linkd::daemon {

// What a reload changes.
struct reloaded {
  bool successful = true;
  std::vector<link_settings> links;  // to be in force now
  std::vector<std::string>
      needs_restart;  // changed keys of mqtt-linkd.yaml that only a start applies
  log_settings log;
  std::vector<config::problem> problems, warnings;
};

// Reads the configuration again. A bad mqtt-linkd.yaml leaves everything as it runs; a bad link
// file leaves that link as it runs and the others change.
reloaded reload(const std::string& config_file, const daemon_settings& running,
                const std::vector<link_settings>& running_links);

// What must be read again when it changes: the configuration, certificates, password and key files.
std::vector<std::string> watched_files(const std::string& config_file,
                                       const daemon_settings& daemon,
                                       const std::vector<link_settings>& links);

}  // namespace linkd::daemon

#include "daemon/exposure.hpp"

namespace linkd::daemon {

std::vector<std::string> exposures(const daemon_settings& daemon,
                                   const std::vector<link_settings>& links) {
  std::vector<std::string> found;
  const auto unverified = [&](const std::string& who, const tls_settings& tls) {
    if (!tls.verify) found.push_back(who + ": the other side's certificate is not verified");
  };
  unverified("broker", daemon.broker.tls);
  if (daemon.listen && daemon.listen->insecure) {
    found.push_back("listen: peers may send passwords and messages in the clear");
  }
  for (const link_settings& each : links) {
    if (each.insecure) {
      found.push_back("link " + each.name + ": password and messages may be sent in the clear");
    }
    unverified("link " + each.name, each.tls);
  }
  return found;
}

}  // namespace linkd::daemon

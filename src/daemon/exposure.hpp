#pragma once

#include <string>
#include <vector>

#include "mqtt_linkd/settings.hpp"

namespace linkd::daemon {

// Where the configuration lets somebody on the network read along or pose as a peer or broker; one
// line for people each.
std::vector<std::string> exposures(const daemon_settings& daemon,
                                   const std::vector<link_settings>& links);

}  // namespace linkd::daemon

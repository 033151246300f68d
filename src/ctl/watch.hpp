#pragma once

#include "ctl/client.hpp"
#include "ctl/commands.hpp"

namespace linkd::ctl {

// The links as a table over the whole terminal, until SIGINT or SIGTERM. A daemon that does not
// answer is waited for.
int watch(const client& api, unsigned interval_s, const terminal& with);

}  // namespace linkd::ctl

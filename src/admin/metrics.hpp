#pragma once

#include <string>

#include "admin/sources.hpp"

namespace linkd::admin {

inline constexpr const char* metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

// Every metric of DESIGN section 9 in the Prometheus text format 0.0.4. Each series a link has is
// there from the first moment, at 0.
std::string metrics_text(const link::deployment_status& deployment, const process_status& process);

}  // namespace linkd::admin

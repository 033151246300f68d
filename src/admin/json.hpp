#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>

#include "admin/control.hpp"
#include "admin/history.hpp"
#include "admin/sources.hpp"

// The values of the API as JSON (API.md).
namespace linkd::admin {

// RFC 3339 in UTC, with milliseconds.
std::string time_text(stamp time);

boost::json::object state_json(const link::link_status& link);
boost::json::object point_json(const history_point& point);
boost::json::object figures_json(const link::link_status& link, const history& past);
boost::json::object status_json(const link::deployment_status& deployment,
                                const process_status& process, const history& past, stamp now);
boost::json::object metrics_json(const link::link_status& link, const history& past);
// Lists end after `filters_max`.
boost::json::object interest_json(const std::string& link, const link::link_interest& interest,
                                  std::size_t filters_max);
boost::json::object explanation_json(const link::explanation& explanation);
boost::json::object test_json(const std::string& link, const link::reach_report& report);
boost::json::object reload_json(const reload_report& report);

}  // namespace linkd::admin

#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "ctl/table.hpp"

// The answers of the API (admin/API.md) as text for people.
namespace linkd::ctl {

std::string status_text(const boost::json::value& status, const screen& on);
std::string links_text(const boost::json::value& status, const screen& on);
std::string link_text(const boost::json::value& link, const screen& on);
// "up: connected through ..." of a LINK.
std::string state_text(const boost::json::value& link);
std::string queue_text(const boost::json::value& metrics, const screen& on);
std::string interest_text(const boost::json::value& interest);
std::string explanation_text(const boost::json::value& explanation, const screen& on);
std::string test_text(const boost::json::value& report, const screen& on);
std::string reload_text(const boost::json::value& report, const screen& on);
// "queue.sync: must be ...", one a line.
std::string error_text(const boost::json::value& answer);

}  // namespace linkd::ctl

#pragma once

#include <boost/json/value.hpp>
#include <string>

// The answers of the API (admin/API.md) as text for people.
namespace linkd::ctl {

std::string status_text(const boost::json::value& status, bool coloured);
std::string links_text(const boost::json::value& status, bool coloured);
std::string link_text(const boost::json::value& link, bool coloured);
// "up: connected through ..." of a LINK.
std::string state_text(const boost::json::value& link);
std::string queue_text(const boost::json::value& metrics);
std::string interest_text(const boost::json::value& interest);
std::string explanation_text(const boost::json::value& explanation, bool coloured);
std::string test_text(const boost::json::value& report, bool coloured);
std::string reload_text(const boost::json::value& report, bool coloured);
// "queue.sync: must be ...", one a line.
std::string error_text(const boost::json::value& answer);

}  // namespace linkd::ctl

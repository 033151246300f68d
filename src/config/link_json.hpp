#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/problem.hpp"
#include "mqtt_linkd/settings.hpp"

// A link as JSON, and JSON as the text of its file: what the admin API reads and writes
// (admin/API.md, "LINK").
namespace linkd::config {

inline constexpr std::string_view secret_mask = "******";

// The keys of the link's YAML with the values in force, defaults included; secrets are masked.
boost::json::object link_json(const link_settings& link);

// The text of a link's file with the settings `wanted`, keys as of link_json(). What has the value
// that the file has now stays as it stands there: a masked secret, a ${NAME}, a comment. What is
// null or empty text is left out, so that the default holds. `old_text`: the file now, empty if
// there is none. If it has errors nothing of it is kept, and `running`, if there is one, says what
// a masked secret is. Problems have no line: they are about `wanted`. The text is to be checked by
// parse_link() all the same.
std::variant<std::string, std::vector<problem>> edit_link(const std::string& file,
                                                          const std::string& old_text,
                                                          const link_settings* running,
                                                          const boost::json::object& wanted,
                                                          const daemon_settings& daemon);

}  // namespace linkd::config

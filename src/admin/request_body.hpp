#pragma once

#include <boost/json/object.hpp>
#include <variant>

#include "admin/http.hpp"

namespace linkd::admin {

// The JSON object in a request's body, or the refusal to send back: 415, 400.
std::variant<boost::json::object, http_response> json_body(const http_request& request);

// 415 for a body that is not JSON, as a form on another web site could send one.
std::optional<http_response> refuse_content_type(const http_request& request);

}  // namespace linkd::admin

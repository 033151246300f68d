#pragma once

#include <string>

#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::net {

// The first line of the file, without its line end. errc::io, errc::invalid (over 65,535 bytes).
result<secret> read_password_file(const std::string& path);

// The password of these credentials, from its file if they name one.
result<secret> password_of(const credentials& login);

}  // namespace linkd::net

#pragma once

#include <string>

#include "mqtt/client.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::broker_adapter {

// Why the broker is not connected, in words an operator can act on.
std::string explain(const mqtt::end_of_connection& end, const broker_settings& settings);

}  // namespace linkd::broker_adapter

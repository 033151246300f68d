#pragma once

#include <string>
#include <vector>

#include "mqtt/client.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::broker_adapter {

// Why the broker is not connected, in words an operator can act on.
std::string explain(const mqtt::end_of_connection& end, const broker_settings& settings);

// Which promise is weaker because of what a CONNACK of MQTT 5 allows, and the setting there that
// mends it; a line each.
std::vector<std::string> weaker(const mqtt::connack& granted, const broker_settings& settings);

}  // namespace linkd::broker_adapter

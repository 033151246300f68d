#pragma once

#include <span>
#include <string>

#include "config/section.hpp"
#include "mqtt_linkd/settings.hpp"

// The keys of both kinds of file, one function each, in the order of DESIGN section 5. A function
// checks what it can see from its own map; what needs two files is in config.cpp.
namespace linkd::config {

// mqtt-linkd.yaml
void read_daemon(section& in, daemon_settings& out);
// links.d/<stem>.yaml
void read_link(section& in, const std::string& stem, const daemon_settings& daemon,
               link_settings& out);

// In both files:

// username, password, password_file
void read_login(section& in, credentials& out);
// tls, for connections with any of `servers`. `verify_key` is the key of tls_settings::verify.
void read_tls(section& in, std::span<const server_address> servers, std::string_view verify_key,
              tls_settings& out);
// protocol
void read_protocol(section& in, mqtt_protocol& out);
// keepalive, with the bounds of MQTT and libmosquitto
void read_keepalive(section& in, seconds& out);
// control_prefix
void read_control_prefix(section& in, std::string& out);
// topics or allow
void read_filters(section& in, std::string_view key, const std::string& control_prefix,
                  std::vector<std::string>& out);

// No duration of ours is longer; it fits the 32 bits of MQTT's Session Expiry Interval.
inline constexpr seconds duration_max{3650 * 86'400};

}  // namespace linkd::config

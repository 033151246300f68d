#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"
#include "mqtt_linkd/time.hpp"

// What the scalars of a configuration mean. Pure functions; an error's text continues a sentence
// that begins with the key ("keepalive: must be ...") and never holds a secret.
namespace linkd::config {

// "500ms", "10s", "5m", "12h", "7d". A number without a unit is refused.
result<milliseconds> parse_duration(std::string_view text);
// "4096", "64KiB", "16MiB", "1GiB", "2TiB", in bytes.
result<std::uint64_t> parse_size(std::string_view text);
result<std::uint64_t> parse_integer(std::string_view text);
// "scheme://host[:port]", IPv6 addresses in brackets, "unix:///path". Ports left out: mqtt 1883,
// mqtts 8883, ws and wss 8870, http 8871.
result<server_address> parse_server(std::string_view text, std::span<const scheme> allowed);
// Every ${NAME} replaced by that variable of the environment, once. A `$` before anything else is
// itself.
result<std::string> expand_environment(std::string_view text);

// In the notation that parse_duration and parse_size read, with the largest unit that fits.
std::string duration_text(seconds value);
std::string size_text(std::uint64_t bytes);

// A deployment or link name: [A-Za-z0-9][A-Za-z0-9_-]{0,63}.
bool is_name(std::string_view text);
inline constexpr const char* name_rule =
    " must be 1 to 64 letters, digits, - and _, the first a letter or digit";
// Nobody but this machine reaches it: a unix socket, localhost, 127.0.0.0/8 or ::1.
bool is_local(const server_address& address);
// An IPv4 address, or an IPv6 address without brackets.
bool is_ip_address(const std::string& host);
bool has_control_characters(std::string_view text);
// Length of the longest prefix that is UTF-8 (RFC 3629) without NUL.
std::size_t valid_text_bytes(std::string_view text);

// For messages: in quotation marks, control characters as \xNN, long texts cut.
std::string in_quotes(std::string_view text);

}  // namespace linkd::config

#include "mqtt_linkd/settings.hpp"

namespace linkd {
namespace {

std::string_view scheme_name(scheme which) {
  switch (which) {
    case scheme::mqtt:
      return "mqtt";
    case scheme::mqtts:
      return "mqtts";
    case scheme::unix_socket:
      return "unix";
    case scheme::ws:
      return "ws";
    case scheme::wss:
      return "wss";
    case scheme::http:
      return "http";
  }
  return "";
}

}  // namespace

std::string to_string(const server_address& address) {
  std::string text(scheme_name(address.scheme));
  text += "://";
  if (address.scheme == scheme::unix_socket) return text + address.host;
  const bool ipv6 = address.host.find(':') != std::string::npos;
  text += ipv6 ? "[" + address.host + "]" : address.host;
  return text + ":" + std::to_string(address.port);
}

}  // namespace linkd

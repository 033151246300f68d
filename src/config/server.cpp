#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "config/values.hpp"

namespace linkd::config {
namespace {

constexpr std::size_t host_bytes_max = 253;         // RFC 1035, section 2.3.4
constexpr std::size_t socket_path_bytes_max = 107;  // sockaddr_un

struct scheme_entry {
  linkd::scheme scheme;
  std::string_view prefix;
  std::uint16_t port;
};

constexpr scheme_entry schemes[] = {
    {scheme::mqtt, "mqtt://", 1883}, {scheme::mqtts, "mqtts://", 8883},
    {scheme::ws, "ws://", 8870},     {scheme::wss, "wss://", 8870},
    {scheme::http, "http://", 8871}, {scheme::unix_socket, "unix://", 0},
};

error invalid(std::string text) {
  return {errc::invalid, std::move(text)};
}

std::string allowed_text(std::span<const scheme> allowed) {
  std::string text;
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    if (i > 0) text += i + 1 == allowed.size() ? " or " : ", ";
    text += std::ranges::find(schemes, allowed[i], &scheme_entry::scheme)->prefix;
  }
  return text;
}

bool is_ipv6(std::string_view text) {
  in6_addr address{};
  const std::string without_zone(text.substr(0, text.find('%')));
  return inet_pton(AF_INET6, without_zone.c_str(), &address) == 1;
}

bool is_host_name(std::string_view text) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
  };
  return !text.empty() && text.size() <= host_bytes_max && std::ranges::all_of(text, allowed);
}

result<server_address> parse_socket_path(std::string_view path) {
  if (path.empty() || path[0] != '/') return invalid("must be unix:// and an absolute path");
  if (path.size() > socket_path_bytes_max) {
    return invalid("the path of a unix socket has at most 107 bytes");
  }
  return server_address{scheme::unix_socket, std::string(path), 0};
}

}  // namespace

result<server_address> parse_server(std::string_view text, std::span<const scheme> allowed) {
  const auto* found = std::ranges::find_if(
      schemes, [&](const scheme_entry& each) { return text.starts_with(each.prefix); });
  if (found == std::end(schemes) || std::ranges::find(allowed, found->scheme) == allowed.end()) {
    return invalid("must begin with " + allowed_text(allowed));
  }
  auto rest = text.substr(found->prefix.size());
  if (found->scheme == scheme::unix_socket) return parse_socket_path(rest);
  // Said without the text: it may hold a password.
  if (rest.find('@') != std::string_view::npos) {
    return invalid("user name and password have keys of their own");
  }

  server_address out{found->scheme, {}, found->port};
  if (rest.starts_with('[')) {
    const auto end = std::min(rest.find(']'), rest.size());
    out.host = rest.substr(1, end - 1);
    if (end == rest.size() || !is_ipv6(out.host)) return invalid("has no IPv6 address in [ ]");
    rest.remove_prefix(end + 1);
  } else {
    const auto end = std::min(rest.find(':'), rest.size());
    if (rest.find(':', end + 1) != std::string_view::npos) {
      return invalid("has more than one ':'; an IPv6 address stands in [ ]");
    }
    out.host = rest.substr(0, end);
    if (!is_host_name(out.host)) {
      return invalid("must be " + std::string(found->prefix) + "HOST:PORT, not " + in_quotes(text));
    }
    rest.remove_prefix(end);
  }
  if (rest.empty()) return out;
  const auto port = rest[0] == ':' ? parse_integer(rest.substr(1)) : invalid("");
  if (!port || *port < 1 || *port > 65535) {
    return invalid("the port must be a number from 1 to 65535, with nothing behind it");
  }
  out.port = static_cast<std::uint16_t>(*port);
  return out;
}

bool is_ip_address(const std::string& host) {
  in_addr v4{};
  return inet_pton(AF_INET, host.c_str(), &v4) == 1 || is_ipv6(host);
}

bool is_local(const server_address& address) {
  if (address.scheme == scheme::unix_socket || address.host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, address.host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, address.host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6) != 0;
}

}  // namespace linkd::config

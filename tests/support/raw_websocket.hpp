#pragma once

#include <cstdint>
#include <string>

#include "mqtt_linkd/bytes.hpp"

// What a client of the port for direct links says octet by octet, also what a good one would not.
namespace linkd::test {

// `more`: header lines, each with its line end.
inline bytes upgrade_request(const std::string& deployment, const std::string& login_base64,
                             const std::string& more = {}) {
  return "GET /link/" + deployment +
         " HTTP/1.1\r\nHost: paris\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Protocol: mqtt-linkd.v1\r\nAuthorization: Basic " +
         login_base64 + "\r\n" + more + "\r\n";
}

// The header of a message of a client that says it has `size` bytes (RFC 6455, section 5.2: the
// shortest of three forms); the mask is zero.
inline bytes message_header(std::uint64_t size, char opcode = 2) {
  const int length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
  const auto length = size < 126 ? size : size < 65536 ? 126u : 127u;
  bytes header{static_cast<char>(0x80 | opcode), static_cast<char>(0x80 | length)};
  for (int i = length_bytes - 1; i >= 0; --i) header += static_cast<char>(size >> (8 * i));
  return header + bytes(4, '\0');
}

}  // namespace linkd::test

#include "tests/e2e/http.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace linkd::test {
namespace {

// Everything the server sends until it closes; empty after any failure.
std::string exchange(int socket, std::uint16_t port, const std::string& request) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::send(socket, request.data(), request.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(request.size())) {
    return {};
  }
  std::string answer;
  std::array<char, 16384> buffer{};
  while (true) {
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (size < 0) return {};
    if (size == 0) return answer;
    answer.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace

http_answer http_get(std::uint16_t port, const std::string& path, std::chrono::seconds patience) {
  return http_send(port, "GET", path, {}, {}, patience);
}

http_answer http_send(std::uint16_t port, const std::string& method, const std::string& path,
                      const std::string& body, const std::string& headers,
                      std::chrono::seconds patience) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{patience.count(), 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  const std::string content = body.empty() ? ""
                                           : "Content-Type: application/json\r\nContent-Length: " +
                                                 std::to_string(body.size()) + "\r\n";
  const std::string text =
      exchange(socket, port,
               method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
                   headers + content + "\r\n" + body);
  ::close(socket);
  const auto status = text.find(' ');
  const auto end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.") || status == std::string::npos || end == std::string::npos) {
    return {};
  }
  return {std::atoi(text.c_str() + status), text.substr(0, end), text.substr(end + 4)};
}

}  // namespace linkd::test

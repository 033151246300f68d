#include "tests/support/ports.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <random>
#include <set>
#include <system_error>

namespace linkd::test {
namespace {

int tcp_socket() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) throw std::system_error(errno, std::generic_category(), "socket");
  return socket;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Below the kernel's range for outgoing connections: while a server is stopped, somebody's outgoing
// connection (its own client's, even) must not take its port.
constexpr int first_port = 10'000;
constexpr int last_port = 29'999;

bool can_listen(std::uint16_t port) {
  const int socket = tcp_socket();
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  const sockaddr_in address = loopback(port);
  const bool bound =
      ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      ::listen(socket, 1) == 0;
  ::close(socket);
  return bound;
}

}  // namespace

std::uint16_t free_port() {
  static std::mutex mutex;
  static std::set<std::uint16_t> handed_out;
  static std::random_device random;
  const std::scoped_lock lock(mutex);
  std::uniform_int_distribution<int> any(first_port, last_port);
  while (true) {
    const auto port = static_cast<std::uint16_t>(any(random));
    if (can_listen(port) && handed_out.insert(port).second) return port;
  }
}

bool accepts_connections(std::uint16_t port) {
  const int socket = tcp_socket();
  const sockaddr_in address = loopback(port);
  const bool connected =
      ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  ::close(socket);
  return connected;
}

}  // namespace linkd::test

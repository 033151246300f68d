#include "tests/bench/mqtt_socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace linkd::bench {
namespace {

constexpr std::size_t buffer_bytes = 1u << 20;  // no packet is larger
constexpr int patience_ms = 20'000;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void set_option(int descriptor, int name, int value) {
  ::setsockopt(descriptor, IPPROTO_TCP, name, &value, sizeof value);
}

int connect_to(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) fail("socket");
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    ::close(descriptor);
    fail("connect");
  }
  set_option(descriptor, TCP_NODELAY, 1);
  ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
  return descriptor;
}

}  // namespace

mqtt_socket::mqtt_socket(std::uint16_t port, const std::string& client_id)
    : descriptor_(connect_to(port)), in_(buffer_bytes) {
  out_ = connect_packet(client_id);
  await(packet_type::connack);
}

mqtt_socket::~mqtt_socket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

mqtt_socket::mqtt_socket(mqtt_socket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      in_(std::move(other.in_)),
      in_bytes_(other.in_bytes_),
      out_(std::move(other.out_)),
      sent_bytes_(other.sent_bytes_) {}

void mqtt_socket::subscribe(const std::string& filter, std::uint8_t qos) {
  out_ += subscribe_packet(filter, qos);
  await(packet_type::suback);
}

void mqtt_socket::await(packet_type wanted) {
  flush();
  for (bool found = false; !found;) {
    pollfd readable{descriptor_, POLLIN, 0};
    if (::poll(&readable, 1, patience_ms) == 0) throw std::runtime_error("the broker is silent");
    read([&](const packet& what) {
      if (what.type == packet_type::connack && what.body.size() == 2 && what.body[1] != 0) {
        throw std::runtime_error("the broker refuses the connection");
      }
      found |= what.type == wanted;
    });
  }
}

void mqtt_socket::flush() {
  while (sent_bytes_ < out_.size()) {
    const auto sent = ::send(descriptor_, out_.data() + sent_bytes_, unsent_bytes(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) fail("send");
    sent_bytes_ += static_cast<std::size_t>(sent);
  }
  out_.clear();
  sent_bytes_ = 0;
}

void mqtt_socket::fill() {
  if (in_bytes_ == in_.size()) throw std::runtime_error("the broker sent too large a packet");
  const auto got = ::recv(descriptor_, in_.data() + in_bytes_, in_.size() - in_bytes_, 0);
  if (got == 0) throw std::runtime_error("the broker closed the connection");
  if (got < 0 && errno != EAGAIN) fail("recv");
  if (got > 0) in_bytes_ += static_cast<std::size_t>(got);
  set_option(descriptor_, TCP_QUICKACK, 1);  // a broker's Nagle must not wait for us
}

}  // namespace linkd::bench

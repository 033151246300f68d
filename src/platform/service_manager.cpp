#include "platform/service_manager.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace linkd::platform {

namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// sd_watchdog_enabled(3).
std::optional<microseconds> watchdog_from_environment() {
  const auto period_us = parse_number(environment("WATCHDOG_USEC"));
  if (!period_us || *period_us < 2) return std::nullopt;
  const std::string_view pid = environment("WATCHDOG_PID");
  if (!pid.empty() && parse_number(pid) != ::getpid()) return std::nullopt;
  return microseconds(*period_us / 2);
}

}  // namespace

service_manager::service_manager() : interval_(watchdog_from_environment()) {
  const std::string_view address = environment("NOTIFY_SOCKET");
  const bool known_kind = address.starts_with('/') || address.starts_with('@');
  if (!known_kind || address.size() >= sizeof(sockaddr_un::sun_path)) return;
  address_ = address;
  socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const timeval second{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
}

service_manager::~service_manager() {
  if (socket_ >= 0) ::close(socket_);
}

void service_manager::ready() {
  send("READY=1");
}

void service_manager::reloading() {
  // Without the time systemd 253 and later take a reload for one that never began.
  const auto now =
      std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now().time_since_epoch());
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
}

void service_manager::stopping() {
  send("STOPPING=1");
}

void service_manager::status(std::string_view text) {
  std::string message = "STATUS=";
  for (const char c : text) message += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  send(message);
}

void service_manager::watchdog() {
  send("WATCHDOG=1");
}

void service_manager::send(std::string_view message) {
  if (socket_ < 0) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  ::sendto(socket_, message.data(), message.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&to), length);
}

}  // namespace linkd::platform

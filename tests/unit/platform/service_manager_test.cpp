#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstring>

#include "platform/service_manager.hpp"
#include "tests/support/environment_variable.hpp"
#include "tests/support/temp_dir.hpp"

using namespace linkd;
using platform::service_manager;
using test::environment_variable;

namespace {

// The manager's side of $NOTIFY_SOCKET.
class notify_socket {
 public:
  explicit notify_socket(std::string name) : fd_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(name.size() < sizeof(address.sun_path));
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.starts_with('@')) address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), length) == 0);
  }
  ~notify_socket() { ::close(fd_); }
  notify_socket(const notify_socket&) = delete;
  notify_socket& operator=(const notify_socket&) = delete;

  // Empty if there is none: a datagram between local sockets arrives with the call that sends it.
  std::string take() const {
    std::array<char, 1024> buffer;
    const auto got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return got < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(got));
  }

 private:
  int fd_;
};

}  // namespace

TEST_CASE("service manager: every message arrives as sd_notify(3) spells it", "[platform]") {
  const test::temp_dir dir;
  const std::string name = GENERATE(true, false) ? (dir.path() / "notify").string()
                                                 : "@" + dir.path().filename().string() + "-" +
                                                       std::to_string(::getpid());
  CAPTURE(name);
  const notify_socket socket(name);
  const environment_variable variable("NOTIFY_SOCKET", name);
  service_manager manager;
  manager.ready();
  CHECK(socket.take() == "READY=1");
  manager.status("3/4 links up\nREADY=1");
  CHECK(socket.take() == "STATUS=3/4 links up READY=1");
  manager.watchdog();
  CHECK(socket.take() == "WATCHDOG=1");
  manager.stopping();
  CHECK(socket.take() == "STOPPING=1");
  CHECK(socket.take().empty());
}

TEST_CASE("service manager: a reload tells the monotonic time of its start", "[platform]") {
  const test::temp_dir dir;
  const std::string name = (dir.path() / "notify").string();
  const notify_socket socket(name);
  const environment_variable variable("NOTIFY_SOCKET", name);
  const auto now_us = [] {
    return std::chrono::duration_cast<microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  };
  service_manager manager;
  const auto before = now_us();
  manager.reloading();
  const auto after = now_us();
  const std::string message = socket.take();
  const std::string head = "RELOADING=1\nMONOTONIC_USEC=";
  REQUIRE(message.starts_with(head));
  std::int64_t told = 0;
  std::from_chars(message.data() + head.size(), message.data() + message.size(), told);
  CHECK(told >= before);
  CHECK(told <= after);
}

TEST_CASE("service manager: without a usable socket every call does nothing", "[platform]") {
  const std::optional<std::string> address =
      GENERATE(as<std::optional<std::string>>(), std::nullopt, "", "relative", "vsock:2:1",
               "/nobody/listens", std::string(200, '/'));
  const environment_variable variable("NOTIFY_SOCKET", address);
  service_manager manager;
  manager.ready();
  manager.reloading();
  manager.status("text");
  manager.watchdog();
  manager.stopping();
}

TEST_CASE("service manager: the watchdog is fed twice in its period, by the process it watches",
          "[platform]") {
  const auto interval_of = [](std::optional<std::string> usec, std::optional<std::string> pid) {
    const environment_variable period("WATCHDOG_USEC", usec), process("WATCHDOG_PID", pid);
    return service_manager().watchdog_interval();
  };
  const std::string self = std::to_string(::getpid());
  CHECK(interval_of("30000000", self) == seconds(15));
  CHECK(interval_of("30000000", std::nullopt) == seconds(15));
  CHECK(interval_of("30000000", "1") == std::nullopt);
  CHECK(interval_of("30000000", "me") == std::nullopt);
  CHECK(interval_of(std::nullopt, self) == std::nullopt);
  CHECK(interval_of("0", self) == std::nullopt);
  CHECK(interval_of("-5", self) == std::nullopt);
  CHECK(interval_of("30s", self) == std::nullopt);
}

#include "mqtt/native/stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

namespace linkd::mqtt::native {

namespace {

using kind = io_outcome::kind;

io_outcome failed_with(int system_code) {
  if (system_code == 0) return {kind::closed, 0, "the other side closed it"};
  const bool silent = system_code == ETIMEDOUT || system_code == EHOSTUNREACH;
  return {silent ? kind::silent : kind::closed, 0, std::generic_category().message(system_code)};
}

bool would_block(int system_code) {
  return system_code == EAGAIN || system_code == EWOULDBLOCK || system_code == EINTR;
}

class plain_stream final : public stream {
 public:
  using stream::stream;

  io_outcome handshake() override { return {}; }

  io_outcome read(char* to, std::size_t size) override {
    const auto got = ::recv(socket_.native_handle(), to, size, 0);
    if (got > 0) return {kind::done, static_cast<std::size_t>(got), {}};
    if (got < 0 && would_block(errno)) return {kind::wait_readable, 0, {}};
    return failed_with(got == 0 ? 0 : errno);
  }

  io_outcome write(bytes_view what) override {
    const auto put = ::send(socket_.native_handle(), what.data(), what.size(), MSG_NOSIGNAL);
    if (put >= 0) return {kind::done, static_cast<std::size_t>(put), {}};
    if (would_block(errno)) return {kind::wait_writable, 0, {}};
    return failed_with(errno);
  }

  [[nodiscard]] bool pending() const override { return false; }

  void end_writing() override { ::shutdown(socket_.native_handle(), SHUT_WR); }
};

struct tls_deleter {
  void operator()(SSL* connection) const { SSL_free(connection); }
};

class tls_stream final : public stream {
 public:
  tls_stream(socket_type socket, std::unique_ptr<SSL, tls_deleter> tls)
      : stream(std::move(socket)), tls_(std::move(tls)) {}

  io_outcome handshake() override {
    return call([&] { return SSL_connect(tls_.get()); });
  }

  io_outcome read(char* to, std::size_t size) override {
    return call([&] { return SSL_read(tls_.get(), to, at_most(size)); });
  }

  io_outcome write(bytes_view what) override {
    return call([&] { return SSL_write(tls_.get(), what.data(), at_most(what.size())); });
  }

  [[nodiscard]] bool pending() const override { return SSL_has_pending(tls_.get()) == 1; }

  void end_writing() override {
    ERR_clear_error();
    SSL_shutdown(tls_.get());
    ::shutdown(socket_.native_handle(), SHUT_WR);
  }

 private:
  static int at_most(std::size_t size) {
    return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
  }

  template <class Function>
  io_outcome call(Function&& function) {
    ERR_clear_error();
    errno = 0;
    const int got = function();
    const int system_code = errno;
    if (got > 0) return {kind::done, static_cast<std::size_t>(got), {}};
    switch (SSL_get_error(tls_.get(), got)) {
      case SSL_ERROR_WANT_READ:
        return {kind::wait_readable, 0, {}};
      case SSL_ERROR_WANT_WRITE:
        return {kind::wait_writable, 0, {}};
      case SSL_ERROR_ZERO_RETURN:
        return failed_with(0);
      case SSL_ERROR_SYSCALL:
        return failed_with(system_code);
      default:
        return broken();
    }
  }

  static io_outcome broken() {
    const std::string certificate = net::take_verification_failure();
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (!certificate.empty()) return {kind::tls_failed, 0, certificate};
    // The end without a close_notify: MQTT has an end of its own.
    if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return failed_with(0);
    const char* text = ERR_reason_error_string(code);
    return {kind::tls_failed, 0, text ? text : "unknown reason"};
  }

  std::unique_ptr<SSL, tls_deleter> tls_;
};

}  // namespace

std::unique_ptr<stream> make_plain_stream(stream::socket_type socket) {
  return std::make_unique<plain_stream>(std::move(socket));
}

std::unique_ptr<stream> make_tls_stream(stream::socket_type socket,
                                        const net::tls_context& context) {
  std::unique_ptr<SSL, tls_deleter> tls(SSL_new(context.get()));
  if (!tls || SSL_set_fd(tls.get(), socket.native_handle()) != 1) return nullptr;
  // What is left of the output may have moved when it is written again.
  SSL_set_mode(tls.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_read_ahead(tls.get(), 1);  // one system call a record instead of two
  return std::make_unique<tls_stream>(std::move(socket), std::move(tls));
}

}  // namespace linkd::mqtt::native

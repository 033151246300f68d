#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "admin/http_server.hpp"
#include "fakes.hpp"
#include "tests/support/run_until.hpp"

namespace linkd::test {

// A client that sends bytes as told and collects what comes back.
template <class Protocol>
class raw_client {
 public:
  raw_client(boost::asio::io_context& io, const typename Protocol::endpoint& to)
      : io_(io), socket_(io) {
    socket_.connect(to);
    socket_.non_blocking(true);
    read();
  }

  void send(const std::string& data) {
    boost::system::error_code ignored;  // the server may have closed already
    boost::asio::write(socket_, boost::asio::buffer(data), ignored);
  }

  bool await(const std::string& text) {
    return run_until(io_, [&] { return received_.find(text) != std::string::npos; });
  }
  bool await_end() {
    return run_until(io_, [&] { return ended_; });
  }
  [[nodiscard]] const std::string& received() const { return received_; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] std::size_t count(const std::string& text) const {
    std::size_t found = 0;
    for (auto at = received_.find(text); at != std::string::npos;
         at = received_.find(text, at + 1)) {
      ++found;
    }
    return found;
  }

 private:
  void read() {
    socket_.async_read_some(boost::asio::buffer(buffer_),
                            [this, alive = std::weak_ptr(alive_)](
                                const boost::system::error_code& failed, std::size_t bytes) {
                              if (alive.expired()) return;
                              received_.append(buffer_.data(), bytes);
                              ended_ = bool(failed);
                              if (!failed) read();
                            });
  }

  boost::asio::io_context& io_;
  typename Protocol::socket socket_;
  std::array<char, 4096> buffer_;
  std::string received_;
  bool ended_ = false;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

using tcp_client = raw_client<boost::asio::ip::tcp>;

// A server whose handler says "hello" and notes what it was asked.
struct http_fixture {
  explicit http_fixture(admin::http_limits limits = {}) {
    server.emplace(
        io,
        [this](const admin::http_request& request, const admin::caller& from) {
          targets.push_back(std::string(request.target()));
          bodies.push_back(request.body());
          callers.push_back(from);
          if (request.target() == "/throws") throw std::runtime_error("handler failed");
          auto response = admin::text_response(admin::http::status::ok, "text/plain", "hello");
          response.keep_alive(request.keep_alive());
          return response;
        },
        log, limits);
  }

  void listen_tcp(const std::string& host = "127.0.0.1") {
    const auto listening = server->listen({scheme::http, host, 0});
    if (!listening) FAIL(listening.error().text);
  }

  std::unique_ptr<tcp_client> connect(const std::string& host = "127.0.0.1") {
    if (server->port() == 0) listen_tcp(host);
    return std::make_unique<tcp_client>(
        io, boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address(host), server->port()));
  }

  boost::asio::io_context io;
  recording_logger log;
  std::vector<std::string> targets, bodies;
  std::vector<admin::caller> callers;
  std::optional<admin::http_server> server;
};

}  // namespace linkd::test

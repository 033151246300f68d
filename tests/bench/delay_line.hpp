#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>

namespace linkd::bench {

// The long line between two sites: a TCP relay on a free port of 127.0.0.1 that holds every byte
// back for `delay`, each way, and lets through as many as come. What a direction holds is bounded
// by what 500 MB/s put on the line; beyond that its sender waits. The relay's own kernel
// acknowledges at once, so the TCP windows of a real line are not part of the picture. Used by the
// thread that runs `io`.
class delay_line {
 public:
  // Throws boost::system::system_error.
  delay_line(boost::asio::io_context& io, std::uint16_t target_port,
             std::chrono::microseconds delay);
  ~delay_line();
  delay_line(const delay_line&) = delete;
  delay_line& operator=(const delay_line&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // Bytes that came through, all connections: to the target, and back from it.
  [[nodiscard]] std::uint64_t bytes_up() const { return bytes_up_; }
  [[nodiscard]] std::uint64_t bytes_down() const { return bytes_down_; }
  // Ends every connection and refuses new ones, until restore().
  void cut();
  void restore();

 private:
  class connection;

  void listen();
  void accept();

  boost::asio::io_context& io_;
  const boost::asio::ip::tcp::endpoint target_;
  const std::chrono::microseconds delay_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::list<std::weak_ptr<connection>> connections_;
  std::uint64_t bytes_up_ = 0;
  std::uint64_t bytes_down_ = 0;
};

}  // namespace linkd::bench

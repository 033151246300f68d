#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mqtt_linkd/settings.hpp"

namespace linkd::test {

// A broker that says what a test tells it to: every packet it receives goes to a function that
// answers bytes to send, or asks for the connection to be closed. Runs on the test's io_context.
class scripted_server {
 public:
  struct packet {
    std::size_t connection;  // counted from 0
    std::uint8_t type;       // high nibble of the first byte: 1 CONNECT, 3 PUBLISH, 8 SUBSCRIBE ...
    std::string body;        // after the remaining length
  };
  struct reply {
    std::string send;
    bool close = false;
  };
  using script = std::function<reply(const packet&)>;

  scripted_server(boost::asio::io_context& io, script answer)
      : acceptor_(io, {boost::asio::ip::address_v4::loopback(), 0}), answer_(std::move(answer)) {
    accept();
  }
  [[nodiscard]] server_address address() const {
    return {scheme::mqtt, "127.0.0.1", acceptor_.local_endpoint().port()};
  }
  [[nodiscard]] std::size_t count(std::uint8_t type) const {
    std::size_t out = 0;
    for (const auto& each : received) out += each.type == type ? 1 : 0;
    return out;
  }
  // On every connection, without being asked.
  void send_all(const std::string& packets) {
    boost::system::error_code ignored;
    for (const auto& each : sessions_) {
      const auto open = each.lock();
      if (open) boost::asio::write(open->socket, boost::asio::buffer(packets), ignored);
    }
  }
  // Ends every connection.
  void close_all() {
    boost::system::error_code ignored;
    for (const auto& each : sessions_) {
      if (const auto open = each.lock()) open->socket.close(ignored);
    }
    sessions_.clear();
  }
  std::vector<packet> received;

 private:
  struct session {
    explicit session(boost::asio::ip::tcp::socket s) : socket(std::move(s)) {}
    boost::asio::ip::tcp::socket socket;
    std::size_t number = 0;
    std::string input;
    char chunk[4096];
  };

  void accept() {
    acceptor_.async_accept(
        [this](boost::system::error_code failed, boost::asio::ip::tcp::socket socket) {
          if (failed) return;
          auto next = std::make_shared<session>(std::move(socket));
          next->number = connections_++;
          sessions_.push_back(next);
          read(next);
          accept();
        });
  }
  void read(const std::shared_ptr<session>& at) {
    at->socket.async_read_some(boost::asio::buffer(at->chunk),
                               [this, at](boost::system::error_code failed, std::size_t size) {
                                 if (failed) return;
                                 at->input.append(at->chunk, size);
                                 if (handle(*at)) read(at);
                               });
  }
  // False once the connection is closed.
  bool handle(session& at) {
    for (;;) {
      std::size_t length = 0, position = 1, shift = 0;
      bool complete = false;
      while (position < at.input.size() && !complete) {
        const auto octet = static_cast<unsigned char>(at.input[position++]);
        length |= static_cast<std::size_t>(octet & 0x7f) << shift;
        shift += 7;
        complete = octet < 0x80;
      }
      if (!complete || at.input.size() < position + length) return true;
      packet in{at.number, static_cast<std::uint8_t>(static_cast<unsigned char>(at.input[0]) >> 4),
                at.input.substr(position, length)};
      at.input.erase(0, position + length);
      received.push_back(in);
      const reply out = answer_(in);
      boost::system::error_code failed;
      if (!out.send.empty()) boost::asio::write(at.socket, boost::asio::buffer(out.send), failed);
      if (out.close || failed) {
        at.socket.close(failed);
        return false;
      }
    }
  }

  boost::asio::ip::tcp::acceptor acceptor_;
  script answer_;
  std::size_t connections_ = 0;
  std::vector<std::weak_ptr<session>> sessions_;
};

}  // namespace linkd::test

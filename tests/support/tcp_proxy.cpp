#include "tests/support/tcp_proxy.hpp"

#include <array>
#include <atomic>
#include <boost/asio.hpp>
#include <future>
#include <list>
#include <thread>
#include <utility>

#include "tests/support/ports.hpp"

namespace linkd::test {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using error_code = boost::system::error_code;

// One direction reads into its own buffer and writes it out before it reads again.
struct direction {
  tcp::socket& from;
  tcp::socket& to;
  std::array<char, 65536> buffer{};
  bool held = false;
  std::size_t held_bytes = 0;
};

struct connection {
  connection(tcp::socket client_socket, asio::io_context& io)
      : client(std::move(client_socket)), server(io), up{client, server}, down{server, client} {}
  tcp::socket client, server;
  direction up, down;
};

}  // namespace

class tcp_proxy::relay {
 public:
  explicit relay(std::uint16_t target_port)
      : target_(asio::ip::address_v4::loopback(), target_port), acceptor_(io_) {
    listen();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~relay() {
    io_.stop();
    thread_.join();
  }
  relay(const relay&) = delete;
  relay& operator=(const relay&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::uint64_t relayed_bytes() const { return relayed_bytes_; }

  void cut() {
    on_thread([this] {
      acceptor_.close();
      while (!connections_.empty()) end(connections_.front());
    });
  }
  void black_hole() {
    on_thread([this] { holding_ = true; });
  }
  void restore() {
    on_thread([this] {
      holding_ = false;
      if (!acceptor_.is_open()) listen();
      for (const auto& each : std::list(connections_)) {
        resume(each, each->up);
        resume(each, each->down);
      }
    });
  }

 private:
  using pointer = std::shared_ptr<connection>;

  template <class Work>
  void on_thread(Work work) {
    std::promise<void> done;
    asio::post(io_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  void listen() {
    const tcp::endpoint here(asio::ip::address_v4::loopback(), port_);
    acceptor_.open(here.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(here);
    acceptor_.listen();
    accept();
  }

  void accept() {
    acceptor_.async_accept([this](const error_code& failure, tcp::socket client) {
      if (failure) return;
      const auto made = std::make_shared<connection>(std::move(client), io_);
      connections_.push_back(made);
      made->server.async_connect(target_, [this, made](const error_code& refused) {
        if (refused) return end(made);
        error_code ignored;
        made->client.set_option(tcp::no_delay(true), ignored);
        made->server.set_option(tcp::no_delay(true), ignored);
        read(made, made->up);
        read(made, made->down);
      });
      accept();
    });
  }

  void read(const pointer& owner, direction& way) {
    way.from.async_read_some(asio::buffer(way.buffer),
                             [this, owner, &way](const error_code& failure, std::size_t size) {
                               if (failure) return end(owner);
                               way.held_bytes = size;
                               way.held = true;
                               resume(owner, way);
                             });
  }

  // Passes on what was read, unless nothing may come through now.
  void resume(const pointer& owner, direction& way) {
    if (holding_ || !way.held) return;
    way.held = false;
    relayed_bytes_ += way.held_bytes;
    asio::async_write(way.to, asio::buffer(way.buffer, way.held_bytes),
                      [this, owner, &way](const error_code& failure, std::size_t) {
                        if (failure) return end(owner);
                        read(owner, way);
                      });
  }

  void end(pointer which) {
    error_code ignored;
    which->client.close(ignored);
    which->server.close(ignored);
    connections_.remove(which);
  }

  asio::io_context io_;
  // While the line is cut there may be nothing else to wait for.
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  tcp::endpoint target_;
  tcp::acceptor acceptor_;
  std::list<pointer> connections_;
  bool holding_ = false;
  const std::uint16_t port_ = free_port();
  std::atomic<std::uint64_t> relayed_bytes_ = 0;
  std::thread thread_;
};

tcp_proxy::tcp_proxy(std::uint16_t target_port) : relay_(std::make_unique<relay>(target_port)) {}

tcp_proxy::~tcp_proxy() = default;

std::uint16_t tcp_proxy::port() const {
  return relay_->port();
}

void tcp_proxy::cut() {
  relay_->cut();
}

void tcp_proxy::black_hole() {
  relay_->black_hole();
}

void tcp_proxy::restore() {
  relay_->restore();
}

std::uint64_t tcp_proxy::relayed_bytes() const {
  return relay_->relayed_bytes();
}

}  // namespace linkd::test

#include "tests/support/tcp_proxy.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio.hpp>
#include <chrono>
#include <deque>
#include <future>
#include <list>
#include <string>
#include <thread>
#include <utility>

#include "tests/support/ports.hpp"

namespace linkd::test {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using error_code = boost::system::error_code;

using steady = std::chrono::steady_clock;

constexpr std::size_t delayed_bytes_max = 1u << 20;  // then the reader waits, as a full pipe does

// What was read waits in a delay line until its time has come and nothing is being written.
struct direction {
  direction(tcp_proxy::way way, tcp::socket& source, tcp::socket& target, asio::io_context& io)
      : which(way), from(source), to(target), timer(io) {}
  const tcp_proxy::way which;
  tcp::socket& from;
  tcp::socket& to;
  asio::steady_timer timer;
  struct piece {
    steady::time_point due;
    std::string data;
  };
  std::array<char, 65536> buffer{};
  std::deque<piece> line;
  std::size_t line_bytes = 0;
  bool reading = false, writing = false;
  steady::time_point free_at{};  // of a line with a limited rate
};

struct connection {
  connection(tcp::socket client_socket, asio::io_context& io)
      : client(std::move(client_socket)),
        server(io),
        up(tcp_proxy::way::to_server, client, server, io),
        down(tcp_proxy::way::to_client, server, client, io) {}
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
  [[nodiscard]] std::uint64_t connections() const { return accepted_; }

  void cut() {
    on_thread([this] {
      acceptor_.close();
      while (!connections_.empty()) end(connections_.front());
    });
  }
  void hold(bool to_server, bool to_client) {
    on_thread([=, this] {
      holding_to_server_ = to_server;
      holding_to_client_ = to_client;
    });
  }
  void reset() {
    on_thread([this] {
      for (const auto& each : std::list(connections_)) {
        error_code ignored;
        each->client.set_option(tcp::socket::linger(true, 0), ignored);
        each->server.set_option(tcp::socket::linger(true, 0), ignored);
        end(each);
      }
    });
  }
  void set_delay(std::chrono::milliseconds delay) {
    on_thread([=, this] { delay_ = delay; });
  }
  void set_bytes_per_s(std::size_t bytes_per_s_max) {
    on_thread([=, this] { bytes_per_s_max_ = bytes_per_s_max; });
  }
  void restore() {
    on_thread([this] {
      holding_to_server_ = holding_to_client_ = false;
      delay_ = {};
      bytes_per_s_max_ = 0;
      if (!acceptor_.is_open()) listen();
      for (const auto& each : std::list(connections_)) {
        write(each, each->up);
        write(each, each->down);
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
      ++accepted_;
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
    if (way.reading || way.line_bytes >= delayed_bytes_max) return;
    way.reading = true;
    way.from.async_read_some(
        asio::buffer(way.buffer), [this, owner, &way](const error_code& failure, std::size_t size) {
          way.reading = false;
          if (failure) return end(owner);
          way.line.push_back({due(way, size), std::string(way.buffer.data(), size)});
          way.line_bytes += size;
          write(owner, way);
          read(owner, way);
        });
  }

  steady::time_point due(direction& way, std::size_t size) {
    const auto now = steady::now();
    way.free_at = std::max(way.free_at, now);
    if (bytes_per_s_max_ > 0) {
      way.free_at += std::chrono::microseconds(size * 1'000'000 / bytes_per_s_max_);
    }
    return way.free_at + delay_;
  }

  // Passes on the next piece, if nothing forbids it and its time has come.
  void write(const pointer& owner, direction& way) {
    const bool holding =
        way.which == tcp_proxy::way::to_server ? holding_to_server_ : holding_to_client_;
    if (holding || way.writing || way.line.empty()) return;
    if (steady::now() < way.line.front().due) {
      way.timer.expires_at(way.line.front().due);
      way.timer.async_wait([this, owner, &way](const error_code& cancelled) {
        if (!cancelled) write(owner, way);
      });
      return;
    }
    way.writing = true;
    relayed_bytes_ += way.line.front().data.size();
    asio::async_write(way.to, asio::buffer(way.line.front().data),
                      [this, owner, &way](const error_code& failure, std::size_t size) {
                        way.writing = false;
                        if (failure) return end(owner);
                        way.line_bytes -= size;
                        way.line.pop_front();
                        write(owner, way);
                        read(owner, way);
                      });
  }

  void end(pointer which) {
    error_code ignored;
    which->client.close(ignored);
    which->server.close(ignored);
    which->up.timer.cancel();
    which->down.timer.cancel();
    connections_.remove(which);
  }

  asio::io_context io_;
  // While the line is cut there may be nothing else to wait for.
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  tcp::endpoint target_;
  tcp::acceptor acceptor_;
  std::list<pointer> connections_;
  bool holding_to_server_ = false, holding_to_client_ = false;
  std::chrono::milliseconds delay_{0};
  std::size_t bytes_per_s_max_ = 0;
  const std::uint16_t port_ = free_port();
  std::atomic<std::uint64_t> relayed_bytes_ = 0, accepted_ = 0;
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
  relay_->hold(true, true);
}

void tcp_proxy::black_hole(way which) {
  relay_->hold(which == way::to_server, which == way::to_client);
}

void tcp_proxy::reset() {
  relay_->reset();
}

void tcp_proxy::set_delay(std::chrono::milliseconds delay) {
  relay_->set_delay(delay);
}

void tcp_proxy::set_bytes_per_s(std::size_t bytes_per_s_max) {
  relay_->set_bytes_per_s(bytes_per_s_max);
}

void tcp_proxy::restore() {
  relay_->restore();
}

std::uint64_t tcp_proxy::relayed_bytes() const {
  return relay_->relayed_bytes();
}

std::uint64_t tcp_proxy::connections() const {
  return relay_->connections();
}

}  // namespace linkd::test

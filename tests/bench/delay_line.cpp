#include "tests/bench/delay_line.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <deque>
#include <functional>
#include <utility>

namespace linkd::bench {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using error_code = boost::system::error_code;
using clock = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr std::size_t buffer_bytes_min = 1u << 20;
constexpr std::size_t bytes_per_us_max = 500;
constexpr microseconds granularity{50};  // bytes that come within it leave together

// One direction of a connection: a ring of bytes, and when which of them are due.
class flow : public std::enable_shared_from_this<flow> {
 public:
  flow(tcp::socket& from, tcp::socket& to, microseconds delay, std::uint64_t& passed_bytes,
       std::function<void(bool)> over)
      : from_(from),
        to_(to),
        delay_(delay),
        passed_bytes_(passed_bytes),
        over_(std::move(over)),
        capacity_(
            std::max(buffer_bytes_min, bytes_per_us_max * static_cast<std::size_t>(delay.count()))),
        ring_(new char[capacity_]),
        due_(from.get_executor()) {}

  void start() { read(); }
  void stop() {
    stopped_ = true;
    due_.cancel();
  }

 private:
  struct mark {
    clock::time_point due;
    std::uint64_t end;  // position in the stream
  };

  void read() {
    const std::size_t at = read_end_ % capacity_;
    const std::size_t free = capacity_ - static_cast<std::size_t>(read_end_ - written_end_);
    reading_ = free > 0 && !ended_;
    if (!reading_) return;
    from_.async_read_some(asio::buffer(&ring_[at], std::min(free, capacity_ - at)),
                          [self = shared_from_this()](const error_code& failed, std::size_t size) {
                            self->on_read(failed, size);
                          });
  }

  void on_read(const error_code& failed, std::size_t size) {
    if (stopped_) return;
    if (failed && failed != asio::error::eof) return over_(false);
    const auto due = clock::now() + delay_;
    read_end_ += size;
    ended_ = failed == asio::error::eof;
    if (!ended_ && !marks_.empty() && due < marks_.back().due + granularity) {
      marks_.back().end = read_end_;
    } else {
      marks_.push_back({due, read_end_});
    }
    if (!busy_) write();
    read();
  }

  // Writes what is due, or waits until something is.
  void write() {
    const auto now = clock::now();
    while (!marks_.empty() && marks_.front().due <= now) {
      due_end_ = marks_.front().end;
      marks_.pop_front();
    }
    busy_ = true;
    if (written_end_ < due_end_) {
      const std::size_t at = written_end_ % capacity_;
      const auto size = std::min(static_cast<std::size_t>(due_end_ - written_end_), capacity_ - at);
      to_.async_write_some(
          asio::buffer(&ring_[at], size),
          [self = shared_from_this()](const error_code& failed, std::size_t written) {
            self->on_written(failed, written);
          });
    } else if (!marks_.empty()) {
      due_.expires_at(marks_.front().due);
      due_.async_wait([self = shared_from_this()](const error_code&) {
        if (!self->stopped_) self->write();
      });
    } else {
      busy_ = false;
      if (ended_) finish();
    }
  }

  void on_written(const error_code& failed, std::size_t size) {
    if (stopped_) return;
    if (failed) return over_(false);
    written_end_ += size;
    passed_bytes_ += size;
    if (!reading_) read();
    write();
  }

  void finish() {
    error_code ignored;
    to_.shutdown(tcp::socket::shutdown_send, ignored);
    over_(true);
  }

  tcp::socket& from_;
  tcp::socket& to_;
  const microseconds delay_;
  std::uint64_t& passed_bytes_;
  const std::function<void(bool in_good_order)> over_;
  const std::size_t capacity_;
  const std::unique_ptr<char[]> ring_;
  std::deque<mark> marks_;
  std::uint64_t read_end_ = 0, due_end_ = 0, written_end_ = 0;
  bool reading_ = false;
  bool busy_ = false;   // a write or the wait for the next is under way
  bool ended_ = false;  // nothing comes any more
  bool stopped_ = false;
  asio::steady_timer due_;
};

}  // namespace

class delay_line::connection : public std::enable_shared_from_this<connection> {
 public:
  connection(delay_line& line, tcp::socket client)
      : line_(line), client_(std::move(client)), server_(line.io_) {}

  void start() {
    server_.async_connect(line_.target_, [self = shared_from_this()](const error_code& refused) {
      if (self->over_) return;
      if (refused) return self->end();
      self->relay();
    });
  }

  void end() {
    over_ = true;
    for (const auto& each : {std::exchange(up_, {}), std::exchange(down_, {})}) {
      if (each) each->stop();
    }
    error_code ignored;
    client_.close(ignored);
    server_.close(ignored);
  }

 private:
  void relay() {
    error_code ignored;
    client_.set_option(tcp::no_delay(true), ignored);
    server_.set_option(tcp::no_delay(true), ignored);
    // A flow keeps the connection, until end() lets go of the flow.
    const auto over = [self = shared_from_this()](bool in_good_order) {
      if (!in_good_order || ++self->flows_ended_ == 2) self->end();
    };
    up_ = std::make_shared<flow>(client_, server_, line_.delay_, line_.bytes_up_, over);
    down_ = std::make_shared<flow>(server_, client_, line_.delay_, line_.bytes_down_, over);
    up_->start();
    down_->start();
  }

  delay_line& line_;
  tcp::socket client_, server_;
  std::shared_ptr<flow> up_, down_;
  int flows_ended_ = 0;
  bool over_ = false;
};

delay_line::delay_line(asio::io_context& io, std::uint16_t target_port, microseconds delay)
    : io_(io),
      target_(asio::ip::address_v4::loopback(), target_port),
      delay_(delay),
      acceptor_(io) {
  listen();
}

delay_line::~delay_line() {
  cut();
}

void delay_line::cut() {
  error_code ignored;
  acceptor_.close(ignored);
  for (const auto& each : std::exchange(connections_, {})) {
    if (const auto open = each.lock()) open->end();
  }
}

void delay_line::restore() {
  if (!acceptor_.is_open()) listen();
}

void delay_line::listen() {
  const tcp::endpoint here(asio::ip::address_v4::loopback(), port_);
  acceptor_.open(here.protocol());
  acceptor_.set_option(tcp::acceptor::reuse_address(true));
  acceptor_.bind(here);
  acceptor_.listen();
  port_ = acceptor_.local_endpoint().port();
  accept();
}

void delay_line::accept() {
  acceptor_.async_accept([this](const error_code& failed, tcp::socket client) {
    if (failed == asio::error::operation_aborted) return;
    if (!failed) {
      std::erase_if(connections_, [](const auto& each) { return each.expired(); });
      const auto made = std::make_shared<connection>(*this, std::move(client));
      connections_.push_back(made);
      made->start();
    }
    accept();
  });
}

}  // namespace linkd::bench

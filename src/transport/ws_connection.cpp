#include "transport/ws_connection.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <optional>
#include <string>
#include <utility>

#include "mqtt_linkd/limits.hpp"
#include "mqtt_linkd/time.hpp"
#include "transport/lane_queue.hpp"

namespace linkd::transport {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;

constexpr seconds linger_time{2};
// Who dialled masks what it sends, in pieces of this size with a system call each; Beast's 4 KiB
// would make 16 of a batch.
constexpr std::size_t masked_bytes = limits::batch_bytes;

std::string describe(const error_code& failed) {
  if (failed == websocket::error::closed || failed == asio::error::eof ||
      failed == asio::ssl::error::stream_truncated) {
    return "the peer closed the connection";
  }
  if (failed == websocket::error::message_too_big) return "the peer sent a message that is too big";
  return failed.message();
}

// What both kinds of stream have in common; lives until its last operation has ended.
template <class Stream>
class link_stream : public std::enable_shared_from_this<link_stream<Stream>> {
 public:
  explicit link_stream(std::unique_ptr<Stream> stream)
      : stream_(std::move(stream)), linger_(stream_->get_executor()) {
    beast::get_lowest_layer(*stream_).expires_never();
    stream_->set_option(websocket::stream_base::timeout{websocket::stream_base::none(),
                                                        websocket::stream_base::none(), false});
    stream_->read_message_max(limits::frame_bytes_max);
    stream_->auto_fragment(false);
    stream_->write_buffer_bytes(masked_bytes);
    stream_->binary(true);
  }

  void start(ws_connection_events& events) {
    events_ = &events;
    read();
  }

  void send(bytes frame, path::lane which) {
    if (over_) return;
    waiting_.push(std::move(frame), which);
    if (waiting_.size_bytes() > waiting_bytes_max) {
      later([](link_stream& self) { self.fail("the peer does not read"); });
    } else if (!writing_) {
      write();
    }
  }

  [[nodiscard]] std::size_t unsent_bytes() const {
    return waiting_.size_bytes() + being_written_.size();
  }

  // The owner is gone: what waits is written, then the peer is told.
  void let_go() {
    events_ = nullptr;
    if (over_) return;
    closing_ = true;
    linger_.expires_after(linger_time);
    linger_.async_wait([self = this->shared_from_this()](const error_code& stopped) {
      if (!stopped) self->abort();
    });
    if (!writing_) close();
  }

 private:
  template <class Action>
  void later(Action action) {
    asio::post(stream_->get_executor(),
               [self = this->shared_from_this(), action] { action(*self); });
  }

  void read() {
    stream_->async_read(buffer_, [self = this->shared_from_this()](const error_code& failed, auto) {
      self->on_read(failed);
    });
  }

  void on_read(const error_code& failed) {
    if (over_) return;
    if (failed) return fail(describe(failed));
    if (!stream_->got_binary()) return fail("the peer sent text");
    bytes frame = beast::buffers_to_string(buffer_.data());
    buffer_.consume(buffer_.size());
    if (events_) events_->on_message(std::move(frame));
    if (!over_) read();  // also while closing: the peer's Close is read here
  }

  // Only while nothing is being written.
  void write() {
    const auto lane = waiting_.empty(path::lane::control) ? path::lane::data : path::lane::control;
    being_written_ = waiting_.pop(lane);
    writing_ = true;
    stream_->async_write(asio::buffer(being_written_),
                         [self = this->shared_from_this()](const error_code& failed, auto) {
                           self->on_write(failed);
                         });
  }

  void on_write(const error_code& failed) {
    writing_ = false;
    being_written_.clear();
    if (over_) return;
    if (failed) return fail(describe(failed));
    if (!waiting_.empty()) {
      write();
    } else if (closing_) {
      close();
    }
    if (events_) events_->on_written();
  }

  // The peer's answer ends the read that is under way, or nobody reads: then the linger does.
  void close() {
    writing_ = true;
    stream_->async_close(websocket::close_code::normal,
                         [self = this->shared_from_this()](const error_code&) { self->abort(); });
  }

  void fail(const std::string& why) {
    if (over_) return;
    auto* events = std::exchange(events_, nullptr);
    abort();
    if (events) events->on_closed({errc::unavailable, why});
  }

  void abort() {
    over_ = true;
    linger_.cancel();
    beast::get_lowest_layer(*stream_).close();
  }

  std::unique_ptr<Stream> stream_;
  asio::steady_timer linger_;
  ws_connection_events* events_ = nullptr;
  beast::flat_buffer buffer_;
  lane_queue waiting_;
  bytes being_written_;
  bool writing_ = false;
  bool closing_ = false;
  bool over_ = false;  // the socket is closed
};

template <class Stream>
class connection : public ws_connection {
 public:
  explicit connection(std::unique_ptr<Stream> stream)
      : stream_(std::make_shared<link_stream<Stream>>(std::move(stream))) {}
  ~connection() override { stream_->let_go(); }
  void start(ws_connection_events& events) override { stream_->start(events); }
  void send(bytes frame, path::lane which) override { stream_->send(std::move(frame), which); }
  [[nodiscard]] std::size_t unsent_bytes() const override { return stream_->unsent_bytes(); }

 private:
  std::shared_ptr<link_stream<Stream>> stream_;
};

}  // namespace

std::unique_ptr<ws_connection> make_ws_connection(std::unique_ptr<plain_stream> stream) {
  return std::make_unique<connection<plain_stream>>(std::move(stream));
}

std::unique_ptr<ws_connection> make_ws_connection(std::unique_ptr<tls_stream> stream) {
  return std::make_unique<connection<tls_stream>>(std::move(stream));
}

}  // namespace linkd::transport

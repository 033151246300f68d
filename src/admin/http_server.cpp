#include "admin/http_server.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "admin/listening.hpp"

namespace linkd::admin {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using local = asio::local::stream_protocol;
using asio::generic::stream_protocol;

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr milliseconds accept_retry_delay{200};  // when out of file descriptors
constexpr milliseconds linger_timeout{1'000};
constexpr std::size_t linger_bytes_max = 256u << 10;
constexpr std::size_t read_bytes = 4u << 10;
constexpr std::size_t buffer_bytes_max = 32u << 10;  // bodies do not stay in it

// A neighbour owns a whole /64, so that is what counts as one address.
caller caller_of(const tcp::endpoint& remote) {
  auto address = remote.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  if (address.is_v4()) return {address.to_string(), false};
  return {asio::ip::network_v6(address.to_v6(), 64).canonical().to_string(), false};
}

caller caller_of(const local::endpoint&) {
  return {"unix", true};
}

struct connection {
  connection(stream_protocol::socket socket, caller who)
      : stream(std::move(socket)), timer(stream.get_executor()), from(std::move(who)) {}
  void close() {
    stream.close();
    timer.cancel();
  }
  beast::basic_stream<stream_protocol> stream;
  asio::steady_timer timer;  // of what is answered later or as a stream
  caller from;
  bool waiting = true;  // for the rest of a request, or to answer it later
};

std::optional<http_response> answer_to(const error_code& failed) {
  if (failed == http::error::header_limit) {
    return error_response(http::status::request_header_fields_too_large, "too_large",
                          "the request's header is too large");
  }
  if (failed == http::error::body_limit) {
    return error_response(http::status::payload_too_large, "too_large",
                          "the request's body is too large");
  }
  const bool syntax =
      failed.category() == http::make_error_code(http::error::bad_method).category() &&
      failed != http::error::end_of_stream && failed != http::error::partial_message;
  if (!syntax) return std::nullopt;
  return error_response(http::status::bad_request, "bad_request", failed.message());
}

http_response too_many_streams() {
  auto response = error_response(http::status::service_unavailable, "too_many_streams",
                                 "too many streams of events are open: close another console");
  response.keep_alive(false);
  return response;
}

std::string header_text(const http_response& response) {
  std::ostringstream text;
  text << response.base();
  return text.str();
}

class counted_up {
 public:
  explicit counted_up(std::size_t& count) : count_(count) { ++count_; }
  ~counted_up() { --count_; }
  counted_up(const counted_up&) = delete;
  counted_up& operator=(const counted_up&) = delete;

 private:
  std::size_t& count_;
};

}  // namespace

class http_server::server : public std::enable_shared_from_this<server> {
 public:
  server(asio::io_context& io, handler handle, logger& log, http_limits limits)
      : io_(io), handle_(std::move(handle)), log_(log), limits_(limits) {}

  result<void> listen(const server_address& address);
  void stop();
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  template <class Acceptor>
  void start(std::shared_ptr<Acceptor> acceptor);
  template <class Acceptor>
  asio::awaitable<void> accept_all(std::shared_ptr<Acceptor> acceptor);
  void admit(stream_protocol::socket socket, caller from);
  asio::awaitable<void> serve(std::shared_ptr<connection> with);
  asio::awaitable<void> answer_requests(std::shared_ptr<connection> from);
  asio::awaitable<error_code> read_request(connection& with, beast::flat_buffer& buffer,
                                           http::request_parser<http::string_body>& parser,
                                           milliseconds patience);
  asio::awaitable<http_response> response_of(const std::shared_ptr<connection>& with,
                                             later_response pending);
  asio::awaitable<void> send_events(connection& with, event_stream stream);
  asio::awaitable<void> linger(connection& with);

  asio::io_context& io_;
  handler handle_;
  logger& log_;
  http_limits limits_;
  std::vector<std::shared_ptr<connection>> connections_;  // oldest first
  std::size_t streams_ = 0;
  std::function<void()> close_acceptor_ = [] {};
  std::string socket_path_;
  std::uint16_t port_ = 0;
  bool stopped_ = false;
};

result<void> http_server::server::listen(const server_address& address) {
  result<void> listening;
  if (address.scheme == scheme::unix_socket) {
    auto acceptor = listen_unix(io_, address.host);
    if (acceptor) {
      socket_path_ = address.host;
      start(std::move(*acceptor));
    } else {
      listening = acceptor.error();
    }
  } else {
    auto acceptor = listen_tcp(io_, address);
    if (acceptor) {
      port_ = (*acceptor)->local_endpoint().port();
      start(std::move(*acceptor));
    } else {
      listening = acceptor.error();
    }
  }
  if (listening) return {};
  return error{listening.error().code,
               "cannot listen on " + to_string(address) + ": " + listening.error().text};
}

void http_server::server::stop() {
  stopped_ = true;
  close_acceptor_();
  for (const auto& open : connections_) open->close();
  if (!socket_path_.empty()) ::unlink(socket_path_.c_str());
}

template <class Acceptor>
void http_server::server::start(std::shared_ptr<Acceptor> acceptor) {
  close_acceptor_ = [acceptor] {
    error_code ignored;
    acceptor->close(ignored);
  };
  asio::co_spawn(io_, accept_all(std::move(acceptor)), asio::detached);
}

template <class Acceptor>
asio::awaitable<void> http_server::server::accept_all(std::shared_ptr<Acceptor> acceptor) {
  const auto self = shared_from_this();
  asio::steady_timer pause(io_);
  while (!stopped_) {
    auto [failed, socket] = co_await acceptor->async_accept(no_throw);
    if (stopped_) co_return;
    if (failed) {
      pause.expires_after(accept_retry_delay);
      co_await pause.async_wait(no_throw);
      continue;
    }
    error_code gone;
    const auto remote = socket.remote_endpoint(gone);
    if (!gone) admit(stream_protocol::socket(std::move(socket)), caller_of(remote));
  }
}

void http_server::server::admit(stream_protocol::socket socket, caller from) {
  if (connections_.size() >= limits_.connections_max) {
    const auto longest = std::find_if(connections_.begin(), connections_.end(),
                                      [](const auto& open) { return open->waiting; });
    if (longest == connections_.end()) return;
    (*longest)->close();
    connections_.erase(longest);
  }
  connections_.push_back(std::make_shared<connection>(std::move(socket), std::move(from)));
  asio::co_spawn(io_, serve(connections_.back()), asio::detached);
}

asio::awaitable<void> http_server::server::serve(std::shared_ptr<connection> with) {
  const auto self = shared_from_this();
  try {
    co_await answer_requests(with);
  } catch (const std::exception& failed) {
    log_.write(log_level::error, "admin_request_failed", "", failed.what());
  }
  with->close();
  std::erase(connections_, with);
}

asio::awaitable<void> http_server::server::answer_requests(std::shared_ptr<connection> from) {
  connection& with = *from;
  beast::flat_buffer buffer(buffer_bytes_max);
  milliseconds patience = limits_.header_timeout;
  while (true) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes_max));
    parser.body_limit(limits_.body_bytes_max);
    const error_code failed = co_await read_request(with, buffer, parser, patience);
    if (stopped_ || !with.stream.socket().is_open()) co_return;
    std::optional<http_response> response;
    if (failed) {
      response = answer_to(failed);
      if (!response) co_return;
      response->keep_alive(false);
    } else {
      http_answer answer = handle_(parser.get(), with.from);
      if (auto* pending = std::get_if<later_response>(&answer)) {
        response = co_await response_of(from, std::move(*pending));
      } else if (auto* stream = std::get_if<event_stream>(&answer)) {
        if (streams_ < limits_.streams_max) {
          co_await send_events(with, std::move(*stream));
          co_return;
        }
        response = too_many_streams();
      } else {
        response = std::move(std::get<http_response>(answer));
      }
    }
    if (stopped_ || !with.stream.socket().is_open()) co_return;
    with.stream.expires_after(limits_.write_timeout);
    const auto [broken, bytes] = co_await http::async_write(with.stream, *response, no_throw);
    if (broken) co_return;
    if (!response->keep_alive()) break;
    patience = limits_.idle_timeout;
  }
  co_await linger(with);
}

asio::awaitable<error_code> http_server::server::read_request(
    connection& with, beast::flat_buffer& buffer, http::request_parser<http::string_body>& parser,
    milliseconds patience) {
  with.waiting = true;
  if (buffer.size() == 0) {
    with.stream.expires_after(patience);
    const auto [failed, bytes] =
        co_await with.stream.async_read_some(buffer.prepare(read_bytes), no_throw);
    if (failed) co_return failed;
    buffer.commit(bytes);
  }
  with.stream.expires_after(limits_.header_timeout);
  const auto [no_header, header_bytes] =
      co_await http::async_read_header(with.stream, buffer, parser, no_throw);
  if (no_header) co_return no_header;
  with.stream.expires_after(limits_.body_timeout);
  const auto [no_body, body_bytes] =
      co_await http::async_read(with.stream, buffer, parser, no_throw);
  with.waiting = false;
  co_return no_body;
}

// The client may be gone when the response comes, or wait in vain for one that never does.
asio::awaitable<http_response> http_server::server::response_of(
    const std::shared_ptr<connection>& with, later_response pending) {
  const auto response = std::make_shared<std::optional<http_response>>();
  with->waiting = true;
  with->timer.expires_after(limits_.later_timeout);
  pending.start([response, for_whom = std::weak_ptr(with)](http_response there) {
    *response = std::move(there);
    if (const auto open = for_whom.lock()) open->timer.cancel();
  });
  if (!*response) co_await with->timer.async_wait(no_throw);
  with->waiting = false;
  if (!*response) {
    *response = error_response(http::status::gateway_timeout, "timeout", "no answer in time");
    (*response)->keep_alive(false);
  }
  co_return std::move(**response);
}

// Until the client goes, the stream ends or we stop; the end of the connection is the end of it.
asio::awaitable<void> http_server::server::send_events(connection& with, event_stream stream) {
  const counted_up open_stream(streams_);
  http_response header = text_response(http::status::ok, "text/event-stream", "");
  header.erase(http::field::content_length);
  header.set(http::field::connection, "close");
  std::string text = header_text(header);
  while (true) {
    const auto data = stream.data();
    if (!data) co_return;
    text += "event: " + stream.event + "\ndata: " + *data + "\n\n";
    with.stream.expires_after(limits_.write_timeout);
    const auto [broken, bytes] =
        co_await asio::async_write(with.stream, asio::buffer(text), no_throw);
    if (broken) co_return;
    text.clear();
    with.stream.expires_never();
    with.timer.expires_after(limits_.event_interval);
    co_await with.timer.async_wait(no_throw);
    if (stopped_ || !with.stream.socket().is_open()) co_return;
  }
}

// Reads away what the client still sends: closing with unread input resets the connection, and the
// client might lose our answer.
asio::awaitable<void> http_server::server::linger(connection& with) {
  with.waiting = true;
  error_code ignored;
  with.stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
  with.stream.expires_after(linger_timeout);
  std::array<char, read_bytes> discarded;
  for (std::size_t total = 0; total < linger_bytes_max;) {
    const auto [failed, bytes] =
        co_await with.stream.async_read_some(asio::buffer(discarded), no_throw);
    if (failed) co_return;
    total += bytes;
  }
}

http_server::http_server(asio::io_context& io, handler handle, logger& log, http_limits limits)
    : server_(std::make_shared<server>(io, std::move(handle), log, limits)) {}

http_server::~http_server() {
  server_->stop();
}

result<void> http_server::listen(const server_address& address) {
  return server_->listen(address);
}

std::uint16_t http_server::port() const {
  return server_->port();
}

}  // namespace linkd::admin

#include "transport/ws_reception.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <optional>
#include <utility>

#include "mqtt_linkd/time.hpp"
#include "net/certificate.hpp"

namespace linkd::transport {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr seconds step_timeout{5};  // TLS, upgrade, first frame: each
constexpr seconds linger_timeout{1};
constexpr std::size_t linger_bytes_max = 64u << 10;
constexpr std::uint32_t request_bytes_max = 8u << 10;
constexpr std::size_t first_frame_bytes_max = 4u << 10;

using request = http::request<http::empty_body>;

error nobody(std::string why) {
  return {errc::unavailable, std::move(why)};
}

bool asks_for_our_protocol(const request& asked) {
  return websocket::is_upgrade(asked) &&
         http::token_list(asked[http::field::sec_websocket_protocol]).exists(ws_subprotocol);
}

http::status status_of(errc code) {
  switch (code) {
    case errc::permission:
      return http::status::unauthorized;
    case errc::not_found:
      return http::status::forbidden;
    case errc::unavailable:
      return http::status::too_many_requests;
    default:
      return http::status::bad_request;
  }
}

std::vector<std::string> certificate_names(plain_stream&) {
  return {};
}
std::vector<std::string> certificate_names(tls_stream& stream) {
  return net::peer_certificate_names(stream.next_layer().native_handle());
}

// Reads away what still comes: closing with unread input resets the connection, and the other side
// might lose our last words.
asio::awaitable<void> linger(beast::tcp_stream& stream) {
  error_code ignored;
  stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  stream.expires_after(linger_timeout);
  std::array<char, 4096> discarded;
  for (std::size_t total = 0; total < linger_bytes_max;) {
    const auto [end, size] = co_await stream.async_read_some(asio::buffer(discarded), no_throw);
    if (end) co_return;
    total += size;
  }
}

}  // namespace

ws_reception::ws_reception(tcp::socket socket, std::shared_ptr<asio::ssl::context> tls,
                           judge may_enter)
    : tcp_(std::move(socket)), tls_(std::move(tls)), may_enter_(std::move(may_enter)) {}

asio::awaitable<result<ws_guest>> ws_reception::receive() {
  // No ?: and no braced arguments with co_await: GCC 12 destroys their temporaries twice.
  std::optional<outcome> made;
  if (tls_) {
    made = co_await shake_hands();
  } else {
    auto stream = std::make_unique<plain_stream>(std::move(tcp_));
    made = co_await await_upgrade(std::move(stream));
  }
  close_ = [] {};
  co_return std::move(*made);
}

asio::awaitable<ws_reception::outcome> ws_reception::shake_hands() {
  auto stream = std::make_unique<tls_stream>(std::move(tcp_), *tls_);
  auto& below = beast::get_lowest_layer(*stream);
  close_ = [&below] { below.close(); };
  below.expires_after(step_timeout);
  auto& tls = stream->next_layer();
  const auto [failed] = co_await tls.async_handshake(asio::ssl::stream_base::server, no_throw);
  if (!failed) co_return co_await await_upgrade(std::move(stream));
  // The alert that says so must arrive: closing with unread input would overtake it.
  co_await linger(below);
  const long verified = SSL_get_verify_result(tls.native_handle());
  if (verified != X509_V_OK) {
    co_return error{errc::permission,
                    std::string("tls: ") + X509_verify_cert_error_string(verified)};
  }
  if (failed.category() == asio::error::get_ssl_category()) {
    co_return error{errc::invalid, "tls: " + failed.message()};
  }
  co_return nobody("tls: " + failed.message());
}

template <class Stream>
asio::awaitable<ws_reception::outcome> ws_reception::await_upgrade(std::unique_ptr<Stream> stream) {
  auto& below = beast::get_lowest_layer(*stream);
  close_ = [&below] { below.close(); };
  beast::flat_buffer buffer(request_bytes_max);
  http::request_parser<http::empty_body> parser;
  parser.header_limit(request_bytes_max);
  below.expires_after(step_timeout);
  const auto [failed, size] =
      co_await http::async_read(stream->next_layer(), buffer, parser, no_throw);
  if (failed) co_return nobody(failed.message());
  const request& asked = parser.get();
  const auto peer = link_admission::deployment_in(asked.target());
  if (!asks_for_our_protocol(asked) || !peer) {
    const error why{errc::invalid, "bad_request: this is the link port of mqtt-linkd"};
    co_return co_await turn_away(*stream, why);
  }
  const std::string authorization(asked[http::field::authorization]);
  const auto allowed = may_enter_(*peer, {authorization, certificate_names(*stream)});
  if (!allowed) co_return co_await turn_away(*stream, allowed.error());

  stream->set_option(websocket::stream_base::decorator([](websocket::response_type& answer) {
    answer.set(http::field::sec_websocket_protocol, ws_subprotocol);
  }));
  stream->read_message_max(first_frame_bytes_max);
  below.expires_after(step_timeout);
  if (const auto [end] = co_await stream->async_accept(asked, no_throw); end) {
    co_return nobody(end.message());
  }
  beast::flat_buffer first;
  below.expires_after(step_timeout);
  if (const auto [end, got] = co_await stream->async_read(first, no_throw); end) {
    co_return nobody(end.message());
  }
  if (!stream->got_binary()) co_return nobody("the first message is text");
  bytes frame = beast::buffers_to_string(first.data());
  co_return ws_guest{*peer, make_ws_connection(std::move(stream)), std::move(frame)};
}

template <class Stream>
asio::awaitable<ws_reception::outcome> ws_reception::turn_away(Stream& stream, const error& why) {
  http::response<http::string_body> answer(status_of(why.code), 11, why.text);
  answer.set(http::field::content_type, "text/plain");
  answer.keep_alive(false);
  answer.prepare_payload();
  auto& below = beast::get_lowest_layer(stream);
  below.expires_after(step_timeout);
  co_await http::async_write(stream.next_layer(), answer, no_throw);
  co_await linger(below);
  co_return error{errc::refused, why.text};
}

}  // namespace linkd::transport

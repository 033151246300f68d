#include "transport/ws_dialled_path.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <cctype>
#include <functional>
#include <optional>
#include <utility>

#include "mqtt_linkd/limits.hpp"
#include "net/name_lookup.hpp"
#include "net/password_file.hpp"
#include "net/tls_context.hpp"

namespace linkd::transport {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr seconds lookup_timeout{10};
constexpr seconds address_timeout{3};
constexpr std::size_t addresses_max = 3;  // of one name, tried in an attempt
constexpr seconds tls_timeout{5};
constexpr seconds upgrade_timeout{5};
constexpr std::size_t answer_bytes_max = 512;

std::string text_of(const error_code& failed) {
  return failed == beast::error::timeout ? "no answer in time" : failed.message();
}

// RFC 7617.
std::string basic_authorization(const std::string& username, const secret& password) {
  const std::string plain = username + ":" + password.reveal();
  std::string encoded(4 * ((plain.size() + 2) / 3) + 1, 0);  // and a zero byte
  encoded.resize(static_cast<std::size_t>(EVP_EncodeBlock(
      reinterpret_cast<unsigned char*>(encoded.data()),
      reinterpret_cast<const unsigned char*>(plain.data()), static_cast<int>(plain.size()))));
  return "Basic " + encoded;
}

// What the acceptor says why, as one line that can do no harm in a log.
std::string printable(std::string text) {
  text.resize(std::min(text.size(), answer_bytes_max));
  std::erase_if(text, [](unsigned char c) { return std::isprint(c) == 0; });
  return text;
}

error refused_by(const websocket::response_type& answer) {
  switch (answer.result()) {
    case http::status::bad_request:
    case http::status::unauthorized:
    case http::status::forbidden:
    case http::status::too_many_requests:
      return {errc::refused, "refused: " + printable(answer.body())};
    default:
      return {errc::unavailable, "answered " + std::to_string(answer.result_int()) +
                                     " instead of a WebSocket: is a mqtt-linkd listening there?"};
  }
}

}  // namespace

// From the name to the open WebSocket. Lives until its coroutine has ended.
class ws_dialled_path::attempt : public std::enable_shared_from_this<attempt> {
 public:
  explicit attempt(ws_dialled_path& owner)
      : owner_(&owner),
        io_(owner.io_),
        deployment_(owner.deployment_),
        link_(owner.link_),
        server_(owner.server_),
        lookup_done_(io_) {}

  void start() { asio::co_spawn(io_, run(shared_from_this()), asio::detached); }
  void cancel() {
    owner_ = nullptr;
    lookup_.reset();
    lookup_done_.cancel();
    close_();
  }

 private:
  using connection = result<std::unique_ptr<ws_connection>>;

  asio::awaitable<void> run(std::shared_ptr<attempt> /*self*/) {
    connection made = co_await dial();
    if (!owner_) co_return;
    if (made) {
      owner_->on_connected(std::move(*made));
    } else {
      owner_->on_failed({made.error().code, to_string(server_) + ": " + made.error().text});
    }
  }

  asio::awaitable<connection> dial();
  asio::awaitable<result<net::name_lookup::endpoints>> look_up();
  asio::awaitable<result<void>> connect(beast::tcp_stream& stream);
  asio::awaitable<connection> dial_tls(std::unique_ptr<beast::tcp_stream> tcp,
                                       const secret& password);
  template <class Stream>
  asio::awaitable<connection> upgrade(std::unique_ptr<Stream> stream, const secret& password);

  ws_dialled_path* owner_;  // null: cancelled
  asio::io_context& io_;
  std::string deployment_;
  link_settings link_;
  server_address server_;
  std::optional<net::name_lookup> lookup_;
  asio::steady_timer lookup_done_;
  std::function<void()> close_ = [] {};  // the socket of the step under way
};

asio::awaitable<ws_dialled_path::attempt::connection> ws_dialled_path::attempt::dial() {
  const auto password = net::password_of(link_.login);
  if (!password) co_return password.error();
  auto tcp = std::make_unique<beast::tcp_stream>(io_);
  close_ = [stream = tcp.get()] { stream->close(); };
  const auto connected = co_await connect(*tcp);
  if (!connected) co_return connected.error();
  if (server_.scheme == scheme::wss) co_return co_await dial_tls(std::move(tcp), *password);
  co_return co_await upgrade(std::make_unique<plain_stream>(std::move(*tcp)), *password);
}

asio::awaitable<result<net::name_lookup::endpoints>> ws_dialled_path::attempt::look_up() {
  result<net::name_lookup::endpoints> found = error{errc::unavailable, "name look-up: no answer"};
  lookup_done_.expires_after(lookup_timeout);
  lookup_.emplace(io_, server_.host, server_.port, [&](auto answer) {
    found = std::move(answer);
    lookup_done_.cancel();
  });
  co_await lookup_done_.async_wait(no_throw);
  lookup_.reset();  // its callback must not outlive `found`
  co_return found;
}

asio::awaitable<result<void>> ws_dialled_path::attempt::connect(beast::tcp_stream& stream) {
  auto endpoints = co_await look_up();
  if (!endpoints) co_return endpoints.error();
  endpoints->resize(std::min(endpoints->size(), addresses_max));
  error_code failed;
  for (const tcp::endpoint& each : *endpoints) {
    if (!owner_) co_return error{errc::unavailable, "given up"};
    stream.expires_after(address_timeout);
    std::tie(failed) = co_await stream.async_connect(each, no_throw);
    if (!failed) break;
    stream.socket().close();
  }
  if (failed) co_return error{errc::unavailable, text_of(failed)};
  error_code ignored;
  stream.socket().set_option(tcp::no_delay(true), ignored);
  stream.socket().set_option(asio::socket_base::keep_alive(true), ignored);
  result<void> connected;
  co_return connected;
}

asio::awaitable<ws_dialled_path::attempt::connection> ws_dialled_path::attempt::dial_tls(
    std::unique_ptr<beast::tcp_stream> tcp, const secret& password) {
  auto made = net::make_client_context(link_.tls, server_.host);
  if (!made) co_return made.error();
  asio::ssl::context context(made->release());
  auto stream = std::make_unique<tls_stream>(std::move(*tcp), context);
  close_ = [raw = stream.get()] { beast::get_lowest_layer(*raw).close(); };
  beast::get_lowest_layer(*stream).expires_after(tls_timeout);
  const auto [failed] =
      co_await stream->next_layer().async_handshake(asio::ssl::stream_base::client, no_throw);
  if (failed) {
    const long verified = SSL_get_verify_result(stream->next_layer().native_handle());
    const bool ours = verified != X509_V_OK && link_.tls.verify;
    co_return error{ours ? errc::permission : errc::unavailable,
                    "tls: " + (ours ? X509_verify_cert_error_string(verified) : text_of(failed))};
  }
  co_return co_await upgrade(std::move(stream), password);
}

template <class Stream>
asio::awaitable<ws_dialled_path::attempt::connection> ws_dialled_path::attempt::upgrade(
    std::unique_ptr<Stream> stream, const secret& password) {
  close_ = [raw = stream.get()] { beast::get_lowest_layer(*raw).close(); };
  const std::string username = link_.login.username.empty() ? deployment_ : link_.login.username;
  stream->set_option(websocket::stream_base::decorator([&](websocket::request_type& request) {
    request.set(http::field::sec_websocket_protocol, ws_subprotocol);
    if (password.empty()) return;
    request.set(http::field::authorization, basic_authorization(username, password));
  }));
  beast::get_lowest_layer(*stream).expires_after(upgrade_timeout);
  websocket::response_type answer;
  const std::string url = to_string(server_);
  const std::string host = url.substr(url.find("//") + 2);
  const auto [failed] =
      co_await stream->async_handshake(answer, host, "/link/" + deployment_, no_throw);
  close_ = [] {};
  if (failed == websocket::error::upgrade_declined) co_return refused_by(answer);
  // With TLS 1.3 our part is done before the acceptor has looked at our certificate.
  if (failed.category() == asio::error::get_ssl_category()) {
    co_return error{errc::permission, "the peer refused our certificate: " + failed.message()};
  }
  if (failed) co_return error{errc::unavailable, "upgrade: " + text_of(failed)};
  if (answer[http::field::sec_websocket_protocol] != ws_subprotocol) {
    co_return error{errc::unavailable, "a WebSocket, but not of mqtt-linkd"};
  }
  co_return make_ws_connection(std::move(stream));
}

ws_dialled_path::ws_dialled_path(asio::io_context& io, std::string deployment, link_settings link,
                                 server_address server)
    : io_(io),
      deployment_(std::move(deployment)),
      link_(std::move(link)),
      server_(std::move(server)) {}

ws_dialled_path::~ws_dialled_path() {
  if (attempt_) attempt_->cancel();
}

void ws_dialled_path::start(path_events& events) {
  events_ = &events;
  attempt_ = std::make_shared<attempt>(*this);
  attempt_->start();
}

void ws_dialled_path::on_connected(std::unique_ptr<ws_connection> connection) {
  attempt_.reset();
  connection_ = std::move(connection);
  connection_->start(*this);
  events_->on_path_up(limits::frame_bytes_max);
}

void ws_dialled_path::on_failed(const error& why) {
  attempt_.reset();
  events_->on_path_down(why);
}

void ws_dialled_path::send(bytes frame, lane which) {
  if (connection_) connection_->send(std::move(frame), which);
}

std::size_t ws_dialled_path::unsent_bytes() const {
  return connection_ ? connection_->unsent_bytes() : 0;
}

}  // namespace linkd::transport

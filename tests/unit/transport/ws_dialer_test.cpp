#include "transport/ws_dialer.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <catch2/catch.hpp>
#include <functional>
#include <optional>

#include "mqtt_linkd/limits.hpp"
#include "net/tls_context.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/run_until.hpp"
#include "transport/ws_connection.hpp"

using namespace linkd;
using namespace linkd::transport;
using namespace linkd::test;
namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);

struct recorder : path_events {
  void on_path_up(std::size_t largest) override {
    CHECK(largest == limits::frame_bytes_max);
    up = true;
  }
  void on_frame(bytes frame) override { frames.push_back(std::move(frame)); }
  void on_path_room() override {}
  void on_path_down(error reason) override { down = reason; }
  bool up = false;
  std::vector<bytes> frames;
  std::optional<error> down;
};

// A listener that answers every upgrade in one way: with a status, or by accepting and echoing.
struct server {
  explicit server(asio::io_context& on)
      : io(on), acceptor(on, {asio::ip::address_v4::loopback(), 0}) {
    asio::co_spawn(io, accept_all(), asio::detached);
  }
  asio::awaitable<void> accept_all() {
    while (true) {
      auto [failed, socket] = co_await acceptor.async_accept(no_throw);
      if (failed) co_return;
      ++connections;
      asio::co_spawn(io, serve(boost::beast::tcp_stream(std::move(socket))), asio::detached);
    }
  }
  asio::awaitable<void> serve(boost::beast::tcp_stream tcp) {
    if (!tls) {
      co_await answer(
          plain_stream(std::move(tcp)), [](plain_stream & ws) -> auto& { return ws.next_layer(); });
      co_return;
    }
    tls_stream ws(std::move(tcp), *tls);
    auto [failed] =
        co_await ws.next_layer().async_handshake(asio::ssl::stream_base::server, no_throw);
    const char* asked =
        SSL_get_servername(ws.next_layer().native_handle(), TLSEXT_NAMETYPE_host_name);
    server_name = asked ? asked : "";
    if (!failed)
      co_await answer(
          std::move(ws), [](tls_stream & in) -> auto& { return in.next_layer(); });
  }
  template <class Stream, class Below>
  asio::awaitable<void> answer(Stream ws, Below below) {
    boost::beast::flat_buffer buffer;
    request = {};
    auto [failed, size] = co_await http::async_read(below(ws), buffer, request, no_throw);
    if (failed) co_return;
    if (status != http::status::switching_protocols) {
      http::response<http::string_body> refusal(status, 11, body);
      refusal.prepare_payload();
      co_await http::async_write(below(ws), refusal, no_throw);
      co_return;
    }
    ws.set_option(boost::beast::websocket::stream_base::decorator(
        [this](boost::beast::websocket::response_type& response) {
          if (!subprotocol.empty()) response.set(http::field::sec_websocket_protocol, subprotocol);
        }));
    ws.binary(true);
    if (const auto [refused] = co_await ws.async_accept(request, no_throw); refused) co_return;
    while (true) {
      boost::beast::flat_buffer message;
      if (const auto [end, got] = co_await ws.async_read(message, no_throw); end) co_return;
      if (const auto [end, sent] = co_await ws.async_write(message.data(), no_throw); end)
        co_return;
    }
  }
  [[nodiscard]] server_address address(scheme how) const {
    return {how, "127.0.0.1", acceptor.local_endpoint().port()};
  }

  asio::io_context& io;
  tcp::acceptor acceptor;
  std::optional<asio::ssl::context> tls;
  http::status status = http::status::switching_protocols;
  std::string body, subprotocol = "mqtt-linkd.v1";
  http::request<http::string_body> request;
  std::string server_name;  // the SNI of the last handshake
  int connections = 0;
};

struct stage {
  std::unique_ptr<path> dial(const server_address& to) {
    ws_dialer dialer(io, "paris");
    auto made = dialer.dial(link, to);
    made->start(events);
    return made;
  }
  // Why dialling fails.
  error fate(const server_address& to) {
    events = {};
    const auto dialled = dial(to);
    REQUIRE(run_until(io, [&] { return events.down.has_value() || events.up; }));
    REQUIRE(events.down.has_value());
    CHECK(events.down->text.find(to_string(to) + ": ") == 0);
    return *events.down;
  }

  asio::io_context io;
  link_settings link;
  recorder events;
};

}  // namespace

TEST_CASE("ws dialer: says who it is, proves it, and carries frames") {
  stage s;
  server london(s.io);
  s.link.login.password = secret("p:ss");
  const auto dialled = s.dial(london.address(scheme::ws));
  dialled->send("too early: nothing is there to carry it", path::lane::control);
  REQUIRE(run_until(s.io, [&] { return s.events.up; }));
  CHECK(london.request.target() == "/link/paris");
  CHECK(london.request[http::field::sec_websocket_protocol] == "mqtt-linkd.v1");
  CHECK(london.request[http::field::authorization] == "Basic cGFyaXM6cDpzcw==");  // paris:p:ss
  CHECK(london.request[http::field::sec_websocket_extensions].empty());
  dialled->send("there and back", path::lane::control);
  REQUIRE(run_until(s.io, [&] { return !s.events.frames.empty(); }));
  CHECK(s.events.frames == std::vector<bytes>{"there and back"});
}

TEST_CASE("ws dialer: without a password there is no Authorization") {
  stage s;
  server london(s.io);
  const auto dialled = s.dial(london.address(scheme::ws));
  REQUIRE(run_until(s.io, [&] { return s.events.up; }));
  CHECK(london.request.count(http::field::authorization) == 0);
}

TEST_CASE("ws dialer: a refusal is told in the words of the other side, one harmless line") {
  stage s;
  server london(s.io);
  london.status = GENERATE(http::status::unauthorized, http::status::forbidden,
                           http::status::too_many_requests);
  london.body = "unauthorized: wrong\n\x1b[31m password";
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto why = s.fate(london.address(scheme::ws));
    CHECK(why.code == errc::refused);
    CHECK(why.text.find(": refused: unauthorized: wrong[31m password") != std::string::npos);
  }
}

TEST_CASE("ws dialer: who is no mqtt-linkd is recognised") {
  stage s;
  server london(s.io);
  SECTION("another web server") {
    london.status = http::status::not_found;
    CHECK(s.fate(london.address(scheme::ws)).text.find("answered 404") != std::string::npos);
  }
  SECTION("another WebSocket") {
    london.subprotocol = GENERATE("", "mqtt");
    CHECK(s.fate(london.address(scheme::ws)).text.find("not of mqtt-linkd") != std::string::npos);
  }
  SECTION("nobody") {
    const auto why = s.fate({scheme::ws, "127.0.0.1", free_port()});
    CHECK(why.code == errc::unavailable);
  }
}

TEST_CASE("ws dialer: a path can be closed at every point of its attempt") {
  stage s;
  server london(s.io);
  for (int turns = 0; turns < 30; ++turns) {
    s.events = {};
    auto dialled = s.dial(london.address(scheme::ws));
    for (int i = 0; i < turns; ++i) s.io.run_one_for(std::chrono::milliseconds(1));
    dialled.reset();
    const bool up = s.events.up;
    for (int i = 0; i < 20; ++i) s.io.run_one_for(std::chrono::milliseconds(1));
    CHECK(s.events.up == up);
    CHECK_FALSE(s.events.down.has_value());
  }
}

TEST_CASE("ws dialer: over TLS the certificate must be of a known authority and bear the name") {
  certificates files;
  files.make("london", {.subject = "london", .names = "DNS:london.test"});
  tls_settings ours;
  ours.cert_file = files.path("london.crt");
  ours.key_file = files.path("london.key");
  stage s;
  server london(s.io);
  london.tls.emplace(net::make_server_context(ours)->release());
  const auto to = london.address(scheme::wss);
  SECTION("both hold") {
    s.link.tls.ca_file = files.path("ca.crt");
    s.link.tls.server_name = "london.test";
    const auto dialled = s.dial(to);
    REQUIRE(run_until(s.io, [&] { return s.events.up || s.events.down; }));
    INFO((s.events.down ? s.events.down->text : ""));
    CHECK(s.events.up);
    CHECK(london.server_name == "london.test");
  }
  SECTION("the name dialled, without another") {
    files.make("london", {.subject = "london", .names = "DNS:localhost"});
    london.tls.emplace(net::make_server_context(ours)->release());
    s.link.tls.ca_file = files.path("ca.crt");
    const auto dialled = s.dial({scheme::wss, "localhost", to.port});
    REQUIRE(run_until(s.io, [&] { return s.events.up || s.events.down; }));
    INFO((s.events.down ? s.events.down->text : ""));
    CHECK(s.events.up);
    CHECK(london.server_name == "localhost");
  }
  SECTION("another name") {
    s.link.tls.ca_file = files.path("ca.crt");
    for (int attempt = 0; attempt < 2; ++attempt) {
      const auto why = s.fate(to);
      CHECK(why.code == errc::permission);
      CHECK(why.text.find("IP address mismatch") != std::string::npos);
    }
  }
  SECTION("an unknown authority") {
    s.link.tls.server_name = "london.test";
    const auto why = s.fate(to);
    CHECK(why.code == errc::permission);
    CHECK(why.text.find("local issuer certificate") != std::string::npos);
  }
}

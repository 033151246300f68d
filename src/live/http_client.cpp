#include "live/http_client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>
#include <utility>

#include "mqtt_linkd/time.hpp"
#include "net/name_lookup.hpp"
#include "net/password_file.hpp"

namespace linkd::live {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr seconds connect_timeout{5};
constexpr seconds request_timeout{30};
constexpr std::size_t body_bytes_max = 64u << 20;

std::string base64(const std::string& text) {
  std::string out(beast::detail::base64::encoded_size(text.size()), '\0');
  out.resize(beast::detail::base64::encode(out.data(), text.data(), text.size()));
  return out;
}

}  // namespace

class http_client::session : public std::enable_shared_from_this<session> {
 public:
  session(asio::io_context& io, server_address server, credentials login)
      : io_(io), server_(std::move(server)), login_(std::move(login)) {}

  void get(std::string target, callback done) {
    asio::co_spawn(io_, run(shared_from_this(), std::move(target), std::move(done)),
                   asio::detached);
  }
  void abandon() {
    abandoned_ = true;
    lookup_.reset();
    if (looked_up_) looked_up_->cancel();
    if (stream_) stream_->close();
  }

 private:
  using response = http::response_parser<http::string_body>;

  // `self` keeps everything alive for as long as the coroutine runs.
  static asio::awaitable<void> run(std::shared_ptr<session> self, std::string target,
                                   callback done) {
    // Elsewhere first, so that `done` is never called from inside get().
    co_await asio::post(self->io_, asio::use_awaitable);
    auto answer = co_await self->request(target);
    if (!self->abandoned_) done(std::move(answer));
  }

  asio::awaitable<result<http_answer>> request(const std::string& target) {
    const auto password = net::password_of(login_);
    if (!password) co_return password.error();
    http::request<http::empty_body> request(http::verb::get, target, 11);
    request.set(http::field::host, server_.host + ":" + std::to_string(server_.port));
    request.set(http::field::accept, "application/json");
    if (!login_.username.empty()) {
      request.set(http::field::authorization,
                  "Basic " + base64(login_.username + ":" + password->reveal()));
    }
    // A server may close an idle connection at any time: then once more on a new one.
    std::optional<http_answer> answer;
    if (stream_) answer = co_await exchange(request);
    if (!answer && !abandoned_) {
      const std::string failed = co_await connect();
      if (!failed.empty()) {
        co_return error{errc::io, to_string(server_) + ": " + failed};
      }
      answer = co_await exchange(request);
    }
    if (!answer) co_return error{errc::io, to_string(server_) + ": " + failure_};
    co_return *std::move(answer);
  }

  asio::awaitable<std::optional<http_answer>> exchange(
      const http::request<http::empty_body>& request) {
    stream_->expires_after(request_timeout);
    beast::flat_buffer buffer;
    response parser;
    parser.body_limit(body_bytes_max);
    auto [failed, bytes] = co_await http::async_write(*stream_, request, no_throw);
    if (!failed) {
      std::tie(failed, bytes) = co_await http::async_read(*stream_, buffer, parser, no_throw);
    }
    if (failed) {
      failure_ = failed == beast::error::timeout ? "does not answer" : failed.message();
      stream_.reset();
      co_return std::nullopt;
    }
    http_answer answer{parser.get().result_int(), std::move(parser.get().body())};
    if (!parser.get().keep_alive()) stream_.reset();
    co_return std::optional(std::move(answer));
  }

  // Empty if connected.
  asio::awaitable<std::string> connect() {
    looked_up_.emplace(io_, connect_timeout);
    std::optional<result<net::name_lookup::endpoints>> found;
    lookup_.emplace(io_, server_.host, server_.port, [&](auto endpoints) {
      found = std::move(endpoints);
      looked_up_->cancel();
    });
    co_await looked_up_->async_wait(no_throw);
    lookup_.reset();
    looked_up_.reset();
    if (!found) co_return "no answer from the name server";
    if (!*found) co_return found->error().text;
    stream_.emplace(io_);
    stream_->expires_after(connect_timeout);
    const auto [failed, endpoint] = co_await stream_->async_connect(found->value(), no_throw);
    if (!failed) co_return "";
    stream_.reset();
    co_return failed == beast::error::timeout ? "does not answer" : failed.message();
  }

  asio::io_context& io_;
  const server_address server_;
  const credentials login_;
  std::optional<beast::tcp_stream> stream_;
  std::optional<net::name_lookup> lookup_;
  std::optional<asio::steady_timer> looked_up_;  // runs until the look-up is done
  std::string failure_;
  bool abandoned_ = false;
};

http_client::http_client(asio::io_context& io, server_address server, credentials login)
    : session_(std::make_shared<session>(io, std::move(server), std::move(login))) {}

http_client::~http_client() {
  session_->abandon();
}

void http_client::get(std::string target, callback done) {
  session_->get(std::move(target), std::move(done));
}

}  // namespace linkd::live

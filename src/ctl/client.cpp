#include "ctl/client.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <fstream>
#include <vector>

#include "config/values.hpp"

namespace linkd::ctl {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using local = asio::local::stream_protocol;
using request = http::request<http::string_body>;
using response_parser = http::response_parser<http::string_body>;

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t answer_bytes_max = 64u << 20;
constexpr std::size_t token_bytes_max = 4096;

template <class Protocol>
asio::awaitable<error_code> exchange_with(beast::basic_stream<Protocol>& stream,
                                          typename Protocol::endpoint to, const request& what,
                                          response_parser& answer, seconds patience) {
  stream.expires_after(patience);
  const auto [no_connection] = co_await stream.async_connect(to, no_throw);
  if (no_connection) co_return no_connection;
  const auto [not_sent, sent] = co_await http::async_write(stream, what, no_throw);
  if (not_sent) co_return not_sent;
  beast::flat_buffer buffer;
  const auto [not_read, read] = co_await http::async_read(stream, buffer, answer, no_throw);
  co_return not_read;
}

// What became of one attempt at one endpoint.
template <class Protocol>
error_code exchange(typename Protocol::endpoint to, const request& what, response_parser& answer,
                    seconds patience) {
  asio::io_context io;
  beast::basic_stream<Protocol> stream(io);
  error_code outcome;
  asio::co_spawn(io, exchange_with<Protocol>(stream, to, what, answer, patience),
                 [&](const std::exception_ptr&, error_code done) { outcome = done; });
  io.run();
  return outcome;
}

std::vector<tcp::endpoint> endpoints_of(const server_address& server, error_code& failed) {
  asio::io_context io;
  tcp::resolver resolver(io);
  std::vector<tcp::endpoint> out;
  for (const auto& each : resolver.resolve(server.host, std::to_string(server.port), failed)) {
    out.push_back(each.endpoint());
  }
  return out;
}

error unreachable(const server_address& server, const error_code& why) {
  const std::string where = to_string(server);
  if (why == asio::error::access_denied) {
    return {errc::unavailable, "no permission for " + where +
                                   ": run this as a member of the socket's group, or as root"};
  }
  return {errc::unavailable,
          "nobody answers at " + where + " (" + why.message() +
              "): start the daemon (systemctl start mqtt-linkd), or name its admin.server with "
              "--admin; without admin in mqtt-linkd.yaml it has none"};
}

result<api_answer> exchange(const server_address& server, const request& what, seconds patience) {
  response_parser answer;
  answer.body_limit(answer_bytes_max);
  error_code failed;
  if (server.scheme == scheme::unix_socket) {
    failed = exchange<local>(local::endpoint(server.host), what, answer, patience);
  } else {
    for (const auto& each : endpoints_of(server, failed)) {
      failed = exchange<tcp>(each, what, answer, patience);
      if (failed != asio::error::connection_refused) break;
    }
  }
  if (failed) return unreachable(server, failed);
  api_answer out{answer.get().result_int(), std::move(answer.get().body()), nullptr};
  error_code no_json;
  out.body = boost::json::parse(out.text, no_json);
  return out;
}

request make_request(http::verb method, const std::string& target, const server_address& server,
                     const std::string& token) {
  request out(method, "/api/v1/" + target, 11);
  const bool v6 = server.host.find(':') != std::string::npos;
  out.set(http::field::host, server.scheme == scheme::unix_socket ? "localhost"
                             : v6                                 ? "[" + server.host + "]"
                                                                  : server.host);
  out.set(http::field::connection, "close");
  if (!token.empty()) out.set(http::field::authorization, "Bearer " + token);
  return out;
}

result<std::string> read_token(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string token(token_bytes_max, '\0');
  in.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<std::size_t>(in.gcount()));
  token.erase(token.find_last_not_of(" \t\r\n") + 1);
  if (!token.empty() && token.find_first_of("\r\n") == std::string::npos) return token;
  return error{errc::permission, "cannot read a token from " + file +
                                     ": name a file with the token of admin.token_file that you "
                                     "may read"};
}

}  // namespace

result<client> client::open(const std::string& admin, const std::string& token_file) {
  constexpr std::array allowed{scheme::http, scheme::unix_socket};
  const auto server = config::parse_server(admin, allowed);
  if (!server) return error{errc::invalid, "--admin " + server.error().text};
  if (token_file.empty()) return client(*server, "");
  const auto token = read_token(token_file);
  if (!token) return token.error();
  return client(*server, *token);
}

result<api_answer> client::get(const std::string& target) const {
  return exchange(server_, make_request(http::verb::get, target, server_, token_), timeout);
}

result<api_answer> client::post(const std::string& target,
                                const std::optional<boost::json::value>& body,
                                seconds patience) const {
  auto what = make_request(http::verb::post, target, server_, token_);
  if (body) {
    what.set(http::field::content_type, "application/json");
    what.body() = boost::json::serialize(*body);
  }
  what.prepare_payload();
  return exchange(server_, what, patience);
}

result<api_answer> client::remove(const std::string& target) const {
  return exchange(server_, make_request(http::verb::delete_, target, server_, token_), timeout);
}

std::string encoded(const std::string& text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.')) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

}  // namespace linkd::ctl

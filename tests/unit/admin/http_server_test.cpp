#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "http_fixture.hpp"
#include "tests/support/temp_dir.hpp"

using namespace linkd;
using admin::http_limits;
using boost::asio::ip::tcp;
using boost::system::error_code;
using local = boost::asio::local::stream_protocol;
using fixture = test::http_fixture;
using test::raw_client;
using test::tcp_client;

namespace {

const std::string get = "GET /path HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace

TEST_CASE("http server: answers requests one after another on one connection", "[admin]") {
  fixture f;
  const auto client = f.connect();
  client->send(get);
  REQUIRE(client->await("hello"));
  CHECK(client->received().starts_with("HTTP/1.1 200 OK\r\n"));
  client->send("POST /second HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
  REQUIRE(test::run_until(f.io, [&] { return client->count("hello") == 2; }));
  CHECK(f.targets == std::vector<std::string>{"/path", "/second"});
  CHECK(f.bodies[1] == "body");
  CHECK(f.callers[0].address == "127.0.0.1");
  CHECK_FALSE(f.callers[0].local_socket);
  CHECK_FALSE(client->ended());
}

TEST_CASE("http server: closes after an answer when the client wants so", "[admin]") {
  fixture f;
  const auto client = f.connect();
  client->send(GENERATE("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                        "GET / HTTP/1.0\r\nHost: x\r\n\r\n"));
  CHECK(client->await_end());
  CHECK(client->count("hello") == 1);
}

TEST_CASE("http server: many requests in one packet, and one request in many", "[admin]") {
  fixture f;
  const auto client = f.connect();
  std::string many;
  for (int i = 0; i < 200; ++i) many += get;
  client->send(many);
  REQUIRE(test::run_until(f.io, [&] { return client->count("hello") == 200; }));

  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
  for (const char byte : post) {
    client->send(std::string(1, byte));
    f.io.poll();
  }
  REQUIRE(test::run_until(f.io, [&] { return client->count("hello") == 201; }));
  CHECK(f.bodies.back() == "abc");
}

TEST_CASE("http server: what is too large is refused by its name, and the connection ends",
          "[admin]") {
  fixture f;
  const auto client = f.connect();
  SECTION("header") {
    client->send("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(9'000, 'x'));
    CHECK(client->await_end());
    CHECK(client->received().starts_with("HTTP/1.1 431 "));
  }
  SECTION("target") {
    client->send("GET /" + std::string(9'000, 'x'));
    CHECK(client->await_end());
    CHECK(client->received().starts_with("HTTP/1.1 431 "));
  }
  SECTION("announced body") {
    client->send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n");
    CHECK(client->await_end());
    CHECK(client->received().starts_with("HTTP/1.1 413 "));
  }
  SECTION("chunked body") {
    client->send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 40; ++i) client->send("1000\r\n" + std::string(4096, 'x') + "\r\n");
    CHECK(client->await_end());
    CHECK(client->received().starts_with("HTTP/1.1 413 "));
  }
  CHECK(client->received().find(R"({"error":{"code":"too_large")") != std::string::npos);
  CHECK(client->received().find("nosniff") != std::string::npos);
  CHECK(f.targets.empty());
}

TEST_CASE("http server: a header and a body of the largest size are taken", "[admin]") {
  fixture f;
  const auto client = f.connect();
  const std::string body(64u << 10, 'b');
  const std::string start =
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\nX: ";
  client->send(start + std::string((8u << 10) - start.size() - 4, 'x') + "\r\n\r\n" + body);
  REQUIRE(client->await("hello"));
  CHECK(f.bodies.at(0) == body);
}

TEST_CASE("http server: nonsense is 400 and ends the connection, the handler never sees it",
          "[admin]") {
  fixture f;
  const auto client = f.connect();
  client->send(GENERATE(
      "nonsense\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/0.9\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
      "GET / HTTP/1.1\r\nHost x\r\n\r\n", "GET / HTTP/1.1\r\nHo st: x\r\n\r\n",
      "\x16\x03\x01\x02\x01\x01\r\n\r\n", "GET /\x01 HTTP/1.1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"));
  CHECK(client->await_end());
  CHECK(client->received().starts_with("HTTP/1.1 400 "));
  CHECK(client->count("HTTP/1.1") == 1);
  CHECK(f.targets.empty());
}

TEST_CASE("http server: random damage to a request never hurts the server", "[admin]") {
  fixture f({.header_timeout = milliseconds(200), .body_timeout = milliseconds(200)});
  const auto seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string request =
      "POST /p?q HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  std::vector<std::unique_ptr<tcp_client>> clients;
  for (int round = 0; round < 200; ++round) {
    std::string damaged = request.substr(0, 1 + random() % request.size());
    for (auto hits = random() % 4; hits > 0; --hits) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    clients.push_back(f.connect());
    clients.back()->send(damaged);
    f.io.poll();
  }
  const auto client = f.connect();
  client->send(get);
  CHECK(client->await("hello"));
}

TEST_CASE("http server: who is slow or silent is closed", "[admin]") {
  constexpr milliseconds soon(20);
  constexpr milliseconds never(3'600'000);
  std::optional<fixture> f;
  std::string sent;
  SECTION("silent from the start") {
    f.emplace(http_limits{.header_timeout = soon, .body_timeout = never, .idle_timeout = never});
  }
  SECTION("a header that does not end") {
    f.emplace(http_limits{.header_timeout = soon, .body_timeout = never, .idle_timeout = never});
    sent = "GET / HTTP/1.1\r\n";
  }
  SECTION("a body that does not end") {
    f.emplace(http_limits{.header_timeout = never, .body_timeout = soon, .idle_timeout = never});
    sent = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na";
  }
  SECTION("silent after an answer") {
    f.emplace(http_limits{.header_timeout = never, .body_timeout = never, .idle_timeout = soon});
    sent = get;
  }
  const auto client = f->connect();
  client->send(sent);
  CHECK(client->await_end());
}

TEST_CASE("http server: a header's deadline does not move with what arrives", "[admin]") {
  fixture f({.header_timeout = milliseconds(50)});
  const auto client = f.connect();
  client->send("GET / HTTP/1.1\r\nX: ");
  // Slowly enough that the header's size is not what ends it.
  auto next = std::chrono::steady_clock::now();
  CHECK(test::run_until(f.io, [&] {
    if (std::chrono::steady_clock::now() >= next) {
      client->send("x");
      next += milliseconds(5);
    }
    return client->ended();
  }));
  CHECK(client->received().empty());
}

TEST_CASE("http server: idle connections give way, and the newest is served", "[admin]") {
  fixture f({.connections_max = 4});
  std::vector<std::unique_ptr<tcp_client>> idle;
  for (int i = 0; i < 20; ++i) {
    idle.push_back(f.connect());
    if (i % 2 == 0) idle.back()->send("GET / HTTP/1.1\r\n");
  }
  const auto client = f.connect();
  client->send(get);
  CHECK(client->await("hello"));
  REQUIRE(test::run_until(f.io, [&] {
    return std::count_if(idle.begin(), idle.end(), [](const auto& c) { return c->ended(); }) == 17;
  }));
  for (std::size_t i = 0; i < idle.size(); ++i) {
    CAPTURE(i);
    CHECK(idle[i]->ended() == (i < 17));
  }
}

TEST_CASE("http server: a client that does not read holds up nobody", "[admin]") {
  fixture f({.write_timeout = milliseconds(50)});
  f.listen_tcp();
  tcp::socket deaf(f.io);
  deaf.open(tcp::v4());
  deaf.set_option(tcp::socket::receive_buffer_size(1024));
  deaf.connect({boost::asio::ip::make_address("127.0.0.1"), f.server->port()});
  deaf.non_blocking(true);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += get;
  error_code failed;
  const auto client = f.connect();
  client->send(get);
  // Until the server has given it up: then writing to it fails.
  CHECK(test::run_until(f.io, [&] {
    deaf.write_some(boost::asio::buffer(many), failed);
    return failed && failed != boost::asio::error::would_block;
  }));
  CHECK(client->await("hello"));
}

TEST_CASE("http server: a handler that throws costs its connection only", "[admin]") {
  fixture f;
  const auto client = f.connect();
  client->send("GET /throws HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(client->await_end());
  CHECK(f.log.lines == std::vector<std::string>{"admin_request_failed handler failed"});
  const auto other = f.connect();
  other->send(get);
  CHECK(other->await("hello"));
}

TEST_CASE("http server: IPv6 callers count by their network", "[admin]") {
  fixture f;
  if (!f.server->listen({scheme::http, "::1", 0})) {
    WARN("no IPv6 on this machine");
    return;
  }
  const auto client = f.connect("::1");
  client->send(get);
  REQUIRE(client->await("hello"));
  CHECK(f.callers[0].address == "::/64");
}

TEST_CASE(
    "http server: a unix socket is for our user and group, replaced when stale, removed at the end",
    "[admin]") {
  const test::temp_dir dir;
  const std::string path = (dir.path() / "admin.sock").string();
  const server_address address{scheme::unix_socket, path, 0};
  {
    // A socket that nobody listens on any more.
    boost::asio::io_context io;
    local::acceptor stale(io, local::endpoint(path));
  }
  REQUIRE(std::filesystem::is_socket(path));
  const mode_t before = ::umask(0077);
  {
    fixture f;
    const auto listening = f.server->listen(address);
    ::umask(before);
    if (!listening) FAIL(listening.error().text);
    struct stat found {};
    REQUIRE(::stat(path.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0660);
    raw_client<local> client(f.io, local::endpoint(path));
    client.send(get);
    REQUIRE(client.await("hello"));
    CHECK(f.callers[0].local_socket);

    fixture second;
    const auto refused = second.server->listen(address);
    REQUIRE(refused.has_error());
    CHECK(refused.error().text.find(path) != std::string::npos);
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("http server: another file in the place of the socket is left alone", "[admin]") {
  const test::temp_dir dir;
  const auto path = dir.path() / "admin.sock";
  test::write_file(path, "precious");
  fixture f;
  CHECK(f.server->listen({scheme::unix_socket, path.string(), 0}).has_error());
  f.server.reset();
  CHECK(test::read_file(path) == "precious");
}

TEST_CASE("http server: a port in use and a bad address are errors with the address", "[admin]") {
  fixture first, second;
  first.listen_tcp();
  const server_address taken{scheme::http, "127.0.0.1", first.server->port()};
  const auto refused = second.server->listen(taken);
  REQUIRE(refused.has_error());
  CHECK(refused.error().text.find(to_string(taken)) != std::string::npos);
  CHECK(second.server->listen({scheme::http, "256.0.0.1", 1}).has_error());
  CHECK(second.server->listen({scheme::unix_socket, std::string(200, 'x'), 0}).has_error());
}

TEST_CASE("http server: after its end connections are closed and nothing is handled", "[admin]") {
  fixture f;
  const auto idle = f.connect();
  const auto busy = f.connect();
  busy->send("GET / HTTP/1.1\r\n");
  const auto done = f.connect();
  done->send(get);
  REQUIRE(done->await("hello"));
  const auto ready = f.connect();
  ready->send(get);  // on its way when the server goes
  f.targets.clear();
  f.server.reset();
  CHECK(idle->await_end());
  CHECK(busy->await_end());
  CHECK(ready->await_end());
  f.io.restart();
  f.io.run();  // nothing is left to wait for
  CHECK(f.targets.empty());
}

TEST_CASE("http server: out of file descriptors it waits and goes on", "[admin]") {
  fixture f;
  f.listen_tcp();
  tcp::socket client(f.io);
  client.open(tcp::v4());
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int next_free = ::dup(0);
  ::close(next_free);
  const rlimit none{static_cast<rlim_t>(next_free), before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  error_code failed;
  client.connect({boost::asio::ip::make_address("127.0.0.1"), f.server->port()}, failed);
  boost::asio::write(client, boost::asio::buffer(get), failed);
  // Each accept that fails is one handler; without a pause there would be thousands.
  std::size_t handlers = 0;
  for (int i = 0; i < 20; ++i) handlers += f.io.run_one_for(milliseconds(2));
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK_FALSE(failed);
  CHECK(handlers < 15);
  CHECK(f.targets.empty());
  CHECK(test::run_until(f.io, [&] { return f.targets.size() == 1; }));
}

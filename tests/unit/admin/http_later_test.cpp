#include <catch2/catch.hpp>
#include <optional>

#include "http_fixture.hpp"

// Answers that come later, and streams of events.
using namespace linkd;
using admin::http_answer;
using admin::http_request;
using admin::http_response;
using test::tcp_client;

namespace {

struct fixture {
  explicit fixture(admin::http_limits limits = {.event_interval = milliseconds(5)}) {
    server.emplace(
        io,
        [this](const http_request& request, const admin::caller&) -> http_answer {
          if (request.target() == "/events") {
            return admin::event_stream{"tick", [this]() -> std::optional<std::string> {
                                         if (ended) return std::nullopt;
                                         return std::to_string(++ticks);
                                       }};
          }
          if (request.target() == "/later") {
            return admin::later_response{
                [this](std::function<void(http_response)> there) { reply = std::move(there); }};
          }
          if (request.target() == "/now") {
            return admin::later_response{
                [](const std::function<void(http_response)>& there) { there(hello()); }};
          }
          return hello();
        },
        log, limits);
    if (!server->listen({scheme::http, "127.0.0.1", 0})) FAIL("cannot listen");
  }
  static http_response hello() {
    auto response = admin::text_response(admin::http::status::ok, "text/plain", "hello");
    response.keep_alive(true);
    return response;
  }
  std::unique_ptr<tcp_client> get(const std::string& target) {
    auto client = std::make_unique<tcp_client>(
        io,
        boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), server->port()));
    client->send("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
    return client;
  }

  boost::asio::io_context io;
  test::recording_logger log;
  std::function<void(http_response)> reply;
  int ticks = 0;
  bool ended = false;
  std::optional<admin::http_server> server;
};

}  // namespace

TEST_CASE("http server: a response that comes later is sent then, and others do not wait for it",
          "[admin]") {
  fixture f;
  const auto patient = f.get("/later");
  REQUIRE(test::run_until(f.io, [&] { return bool(f.reply); }));
  REQUIRE(f.get("/")->await("hello"));
  CHECK(patient->received().empty());
  f.reply(fixture::hello());
  REQUIRE(patient->await("hello"));
  patient->send("GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(test::run_until(f.io, [&] { return patient->count("hello") == 2; }));
}

TEST_CASE("http server: nobody waits for ever for a response", "[admin]") {
  fixture f({.later_timeout = milliseconds(20)});
  const auto client = f.get("/later");
  REQUIRE(client->await_end());
  CHECK(client->received().starts_with("HTTP/1.1 504 "));
  f.reply(fixture::hello());  // too late: nobody is there
  CHECK(f.get("/")->await("hello"));
}

TEST_CASE("http server: a client that went before its response came hurts nobody", "[admin]") {
  fixture f;
  f.get("/later");
  REQUIRE(test::run_until(f.io, [&] { return bool(f.reply); }));
  f.reply(fixture::hello());
  CHECK(f.get("/")->await("hello"));
}

TEST_CASE("http server: events come again and again until there are no more", "[admin]") {
  fixture f;
  const auto client = f.get("/events");
  REQUIRE(client->await("event: tick\ndata: 3\n\n"));
  CHECK(client->received().starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(client->received().find("Content-Type: text/event-stream\r\n") != std::string::npos);
  CHECK(client->received().find("X-Content-Type-Options: nosniff\r\n") != std::string::npos);
  CHECK(client->received().find("Content-Length") == std::string::npos);
  f.ended = true;
  CHECK(client->await_end());
}

TEST_CASE("http server: streams are counted, and the server stops with some of them open",
          "[admin]") {
  fixture f({.streams_max = 2, .event_interval = milliseconds(5)});
  auto first = f.get("/events");
  const auto second = f.get("/events");
  REQUIRE(first->await("data:"));
  REQUIRE(second->await("data:"));
  const auto third = f.get("/events");
  REQUIRE(third->await_end());
  CHECK(third->received().starts_with("HTTP/1.1 503 "));
  CHECK(third->received().find("too_many_streams") != std::string::npos);
  first.reset();  // its place is free once a write has failed
  CHECK(test::run_until(f.io, [&] {
    const auto next = f.get("/events");
    return next->await("\r\n\r\n") && next->received().starts_with("HTTP/1.1 200 ");
  }));
  f.server.reset();
  CHECK(second->await_end());
}

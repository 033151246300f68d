#include "transport/ws_connection.hpp"

#include <boost/asio/connect.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "mqtt_linkd/limits.hpp"
#include "tests/support/run_until.hpp"
#include "transport/lane_queue.hpp"
#include "transport/ws_path.hpp"

using namespace linkd;
using namespace linkd::transport;
using linkd::test::run_until;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

struct recorder : ws_connection_events {
  void on_message(bytes frame) override {
    frames.push_back(std::move(frame));
    if (at_message) at_message();
  }
  void on_written() override { ++written; }
  void on_closed(const error& reason) override { closed = reason.text; }
  std::vector<bytes> frames;
  int written = 0;
  std::optional<std::string> closed;
  std::function<void()> at_message;
};

// Two ends of a WebSocket connection, their handshakes done.
struct line {
  line() {
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    auto dialling = std::make_unique<plain_stream>(io);
    auto accepting = std::make_unique<plain_stream>(io);
    boost::beast::get_lowest_layer(*dialling).socket().connect(acceptor.local_endpoint());
    acceptor.accept(boost::beast::get_lowest_layer(*accepting).socket());
    int done = 0;
    accepting->async_accept([&](auto failed) { done += failed ? 10 : 1; });
    dialling->async_handshake("peer", "/", [&](auto failed) { done += failed ? 10 : 1; });
    REQUIRE(run_until(io, [&] { return done >= 2; }));
    REQUIRE(done == 2);
    raw_dialled = std::move(dialling);
    accepted = make_ws_connection(std::move(accepting));
  }
  void start() {
    dialled = make_ws_connection(std::move(raw_dialled));
    dialled->start(at_dialled);
    accepted->start(at_accepted);
  }

  asio::io_context io;
  std::unique_ptr<plain_stream> raw_dialled;
  recorder at_dialled, at_accepted;
  std::unique_ptr<ws_connection> dialled, accepted;
};

}  // namespace

TEST_CASE("ws connection: frames arrive whole and in order, both ways, up to the largest") {
  line between;
  between.start();
  const std::size_t size = GENERATE(0u, 1u, 70'000u, unsigned(limits::frame_bytes_max));
  for (int i = 0; i < 5; ++i) {
    between.dialled->send(bytes(size, static_cast<char>('a' + i)), path::lane::data);
    between.accepted->send(bytes(size, static_cast<char>('k' + i)), path::lane::data);
  }
  CHECK(between.dialled->unsent_bytes() == 5 * size);
  REQUIRE(run_until(between.io, [&] {
    return between.at_accepted.frames.size() == 5 && between.at_dialled.frames.size() == 5;
  }));
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK((between.at_accepted.frames[i] == bytes(size, static_cast<char>('a' + i))));
    CHECK((between.at_dialled.frames[i] == bytes(size, static_cast<char>('k' + i))));
  }
  REQUIRE(run_until(between.io, [&] { return between.at_dialled.written == 5; }));
  CHECK(between.dialled->unsent_bytes() == 0);
}

TEST_CASE("ws connection: may send before it reads") {
  line between;
  between.accepted->send("early", path::lane::control);
  between.dialled = make_ws_connection(std::move(between.raw_dialled));
  between.dialled->start(between.at_dialled);
  REQUIRE(run_until(between.io, [&] { return !between.at_dialled.frames.empty(); }));
  CHECK(between.at_dialled.frames == std::vector<bytes>{"early"});
}

TEST_CASE("ws connection: control frames overtake data that waits") {
  line between;
  between.start();
  for (int i = 0; i < 3; ++i) between.dialled->send("data", path::lane::data);
  between.dialled->send("control", path::lane::control);
  REQUIRE(run_until(between.io, [&] { return between.at_accepted.frames.size() == 4; }));
  CHECK(between.at_accepted.frames == std::vector<bytes>{"data", "control", "data", "data"});
}

TEST_CASE("ws connection: what waits when it is destroyed still arrives, then the peer is told") {
  line between;
  between.start();
  const bytes large(500'000, 'x');
  for (int i = 0; i < 5; ++i) between.dialled->send(large, path::lane::data);
  between.dialled.reset();
  REQUIRE(run_until(between.io, [&] { return between.at_accepted.closed.has_value(); }));
  CHECK(between.at_accepted.frames.size() == 5);
  CHECK(*between.at_accepted.closed == "the peer closed the connection");
  CHECK_FALSE(between.at_dialled.closed);
}

TEST_CASE("ws connection: may be destroyed in its own event") {
  line between;
  between.start();
  between.at_accepted.at_message = [&] { between.accepted.reset(); };
  between.dialled->send("one", path::lane::control);
  between.dialled->send("two", path::lane::control);
  REQUIRE(run_until(between.io, [&] { return between.at_dialled.closed.has_value(); }));
  CHECK(between.at_accepted.frames == std::vector<bytes>{"one"});
}

TEST_CASE("ws connection: text, or more than a frame may hold, ends it") {
  line between;
  between.accepted->start(between.at_accepted);
  const bool text = GENERATE(true, false);
  between.raw_dialled->text(text);
  between.raw_dialled->auto_fragment(false);
  const bytes content(text ? 10 : limits::frame_bytes_max + 1, 'x');
  between.raw_dialled->async_write(asio::buffer(content), [](auto, auto) {});
  REQUIRE(run_until(between.io, [&] { return between.at_accepted.closed.has_value(); }));
  CHECK(*between.at_accepted.closed ==
        (text ? "the peer sent text" : "the peer sent a message that is too big"));
  CHECK(between.at_accepted.frames.empty());
}

TEST_CASE("ws connection: a peer that does not read is given up before memory is") {
  line between;
  between.accepted->start(between.at_accepted);
  const bytes frame(limits::frame_bytes_max, 'x');
  for (std::size_t sent = 0; sent <= waiting_bytes_max + 2 * frame.size(); sent += frame.size()) {
    between.accepted->send(frame, path::lane::control);
  }
  REQUIRE(run_until(between.io, [&] { return between.at_accepted.closed.has_value(); }));
  CHECK(*between.at_accepted.closed == "the peer does not read");
}

namespace {

struct path_recorder : path_events {
  void on_path_up(std::size_t largest) override { frame_bytes_max = largest; }
  void on_frame(bytes frame) override { frames.push_back(std::move(frame)); }
  void on_path_room() override {}
  void on_path_down(error reason) override { down = reason.text; }
  std::size_t frame_bytes_max = 0;
  std::vector<bytes> frames;
  std::optional<std::string> down;
};

}  // namespace

TEST_CASE("ws path: begins with the first frame, and tells its maker when it is gone") {
  line between;
  bool gone = false;
  auto inbound = std::make_unique<ws_path>(between.io, std::move(between.accepted), "first",
                                           "ws://[::1]:1", [&] { gone = true; });
  path_recorder events;
  between.dialled = make_ws_connection(std::move(between.raw_dialled));
  between.dialled->start(between.at_dialled);
  between.dialled->send("second", path::lane::control);
  inbound->start(events);
  CHECK(events.frame_bytes_max == 0);
  REQUIRE(run_until(between.io, [&] { return events.frames.size() == 2; }));
  CHECK(events.frame_bytes_max == limits::frame_bytes_max);
  CHECK(events.frames == std::vector<bytes>{"first", "second"});
  inbound->end({errc::unavailable, "the peer dialled again"});
  CHECK(events.down == "the peer dialled again");
  events.down.reset();
  inbound->end({errc::unavailable, "once more"});
  CHECK_FALSE(events.down.has_value());
  CHECK_FALSE(gone);
  inbound.reset();
  CHECK(gone);
  REQUIRE(run_until(between.io, [&] { return between.at_dialled.closed.has_value(); }));
}

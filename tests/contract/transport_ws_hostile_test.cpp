#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <deque>
#include <functional>
#include <utility>

#include "tests/contract/transport_contract.hpp"
#include "tests/contract/ws_world.hpp"
#include "tests/support/raw_websocket.hpp"

// Strangers at the port of direct links: whatever they send, they are closed, and the peers that
// are there go on.

using namespace linkd;
using namespace linkd::test;
using contract::recorded_path;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

using more_bytes = std::function<bytes()>;  // an empty piece is the end

// Sends one piece, then others until there are no more or nobody takes them, and reads what comes
// until the end. The others wait for an answer to the first if it is an upgrade, as they have to.
class stranger {
 public:
  stranger(
      asio::io_context& io, std::uint16_t port, bytes first,
      more_bytes more = [] { return bytes(); }, const char* from = "127.0.0.1")
      : socket_(io, {asio::ip::make_address(from), 0}), more_(std::move(more)) {
    socket_.connect({asio::ip::address_v4::loopback(), port});
    say(std::move(first));
    read();
  }
  void say(bytes first) {
    piece_ = std::move(first);
    waits_ = piece_.find("Upgrade") != bytes::npos;
    write();
  }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] const bytes& answer() const { return answer_; }

 private:
  void write() {
    if (piece_.empty()) return;
    asio::async_write(socket_, asio::buffer(piece_), [this, wait = waits_](auto failed, auto) {
      if (!failed && !wait) write_more();
    });
  }
  void write_more() {
    piece_ = more_();
    write();
  }
  void read() {
    socket_.async_read_some(asio::buffer(part_), [this](auto failed, auto size) {
      if (failed) {
        closed_ = true;
      } else {
        answer_.append(part_.data(), size);
        if (std::exchange(waits_, false)) write_more();
        read();
      }
    });
  }

  tcp::socket socket_;
  bytes piece_;
  more_bytes more_;
  bytes answer_;
  std::array<char, 4096> part_;
  bool waits_ = false, closed_ = false;
};

more_bytes once(bytes what) {
  return [what = std::move(what)]() mutable { return std::exchange(what, {}); };
}

// london:between friends
const std::string right = "bG9uZG9uOmJldHdlZW4gZnJpZW5kcw==";

std::ptrdiff_t closed(const std::deque<stranger>& strangers) {
  return std::ranges::count_if(strangers, [](const auto& each) { return each.closed(); });
}

// London is linked; then somebody comes.
struct siege {
  siege() {
    world.accept(paris);
    friendly = std::make_unique<recorded_path>(world.dial());
    friendly->at_up = [this] { friendly->send("hello"); };
    friendly->start();
    REQUIRE(
        world.run_until([&] { return paris.paths.size() == 1 && !paris.last().frames.empty(); }));
  }
  // What london sends still arrives, both ways.
  void check_undisturbed() {
    recorded_path& accepted = *paris.paths.front();
    const auto there = accepted.frames.size(), back = friendly->frames.size();
    friendly->send("there");
    accepted.send("back");
    CHECK(world.run_until(
        [&] { return accepted.frames.size() > there && friendly->frames.size() > back; }));
    CHECK_FALSE(friendly->down.has_value());
  }
  std::uint16_t port() { return world.paris.listen->server.port; }

  ws_world world;
  contract::host paris;
  std::unique_ptr<recorded_path> friendly;
};

}  // namespace

TEST_CASE("ws hostile: random bytes are closed and disturb nobody", "[transport]") {
  siege at;
  seeded_random random;
  std::deque<stranger> strangers;
  for (int i = 0; i < 50; ++i) {
    bytes noise;
    for (std::uint64_t size = random.next() % 20'000 + 1; size > 0; --size) {
      noise += static_cast<char>(random.next());
    }
    noise += "\r\n\r\n";  // else it might be the beginning of a header line
    strangers.emplace_back(at.world.io, at.port(), noise);
  }
  for (const stranger& each : strangers) CHECK(at.world.run_until([&] { return each.closed(); }));
  at.check_undisturbed();
}

TEST_CASE("ws hostile: a request that does not end is cut off", "[transport]") {
  siege at;
  stranger endless(at.world.io, at.port(), "GET /", [] { return bytes(4096, 'x'); });
  CHECK(at.world.run_until([&] { return endless.closed(); }));
  stranger slow(at.world.io, at.port(), bytes("GET /link/london HTTP/1.1\r\nHost:"));
  CHECK(at.world.run_until([&] { return slow.closed(); }));
  stranger silent(at.world.io, at.port(), bytes());
  CHECK(at.world.run_until([&] { return silent.closed(); }));
  at.check_undisturbed();
}

TEST_CASE("ws hostile: who is no WebSocket of ours is told in one line", "[transport]") {
  siege at;
  const bytes request = GENERATE(bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                                 bytes("POST /link/london HTTP/1.1\r\nHost: x\r\n\r\n"),
                                 bytes("GET /link/../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n"));
  stranger browser(at.world.io, at.port(), request);
  CHECK(at.world.run_until([&] { return browser.closed(); }));
  CHECK(browser.answer().find("400 Bad Request") != bytes::npos);
  CHECK(browser.answer().find("link port of mqtt-linkd") != bytes::npos);
  at.check_undisturbed();
}

TEST_CASE("ws hostile: before the first frame no message may be large", "[transport]") {
  siege at;
  const std::uint64_t size = GENERATE(std::uint64_t{4097}, std::uint64_t{64} << 20,
                                      std::uint64_t{1} << 62, ~std::uint64_t{0});
  CAPTURE(size);
  stranger peer(at.world.io, at.port(), upgrade_request("london", right),
                once(message_header(size) + bytes(8192, 'x')));
  CHECK(at.world.run_until([&] { return peer.closed(); }));
  CHECK(peer.answer().find("101 Switching Protocols") != bytes::npos);
  if (size <= INT64_MAX) CHECK(peer.answer().ends_with("\x88\x02\x03\xf1"));  // Close (1009)
  CHECK(at.paris.paths.size() == 1);
  at.check_undisturbed();
}

TEST_CASE("ws hostile: a peer that is let in cannot make us take more than a frame",
          "[transport]") {
  siege at;
  at.friendly->close();
  // A bomb of 64 MiB: it says so at once, or it sends piece by piece in one message.
  const bool in_pieces = GENERATE(false, true);
  CAPTURE(in_pieces);
  std::size_t taken = 0;
  stranger peer(at.world.io, at.port(), upgrade_request("london", right), [&]() -> bytes {
    if (taken == 64u << 20) return {};
    bytes piece;
    if (taken == 0) piece = message_header(5) + "hello";
    if (in_pieces) {
      bytes fragment = message_header(64u << 10, taken == 0 ? 2 : 0);
      fragment[0] = static_cast<char>(fragment[0] & 0x7f);  // not the last
      piece += fragment;
    } else if (taken == 0) {
      piece += message_header(64u << 20);
    }
    taken += 64u << 10;
    return piece + bytes(64u << 10, 'x');
  });
  REQUIRE(at.world.run_until([&] { return at.paris.paths.size() == 2; }));
  REQUIRE(at.world.run_until([&] { return at.paris.last().down.has_value(); }));
  CHECK(at.paris.last().down->text == "the peer sent a message that is too big");
  CHECK(at.paris.last().frames == std::vector<bytes>{"hello"});
  CHECK(at.world.run_until([&] { return peer.closed(); }));
  CHECK(taken < std::size_t{16} << 20);
}

TEST_CASE("ws hostile: text is no frame", "[transport]") {
  siege at;
  stranger peer(at.world.io, at.port(), upgrade_request("london", right),
                once(message_header(5, 1) + "hello"));
  CHECK(at.world.run_until([&] { return peer.closed(); }));
  CHECK(at.paris.paths.size() == 1);
  at.check_undisturbed();
}

TEST_CASE("ws hostile: who is let in and then says nothing is closed", "[transport]") {
  siege at;
  stranger mute(at.world.io, at.port(), upgrade_request("london", right));
  CHECK(at.world.run_until([&] { return mute.closed(); }));
  CHECK(mute.answer().find("101 Switching Protocols") != bytes::npos);
  CHECK(at.paris.paths.size() == 1);
  at.check_undisturbed();
}

TEST_CASE("ws hostile: no extension is agreed on", "[transport]") {
  siege at;
  const bytes offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
  stranger peer(at.world.io, at.port(), upgrade_request("london", right, offer),
                once(message_header(5) + "hello"));
  REQUIRE(at.world.run_until([&] { return at.paris.paths.size() == 2; }));
  CHECK(peer.answer().find("101 Switching Protocols") != bytes::npos);
  CHECK(peer.answer().find("Extensions") == bytes::npos);
}

TEST_CASE("ws hostile: a thousand idle connections keep nobody out", "[transport]") {
  siege at;
  std::deque<stranger> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.emplace_back(at.world.io, at.port(), bytes());
    at.world.run_one();
  }
  recorded_path again(at.world.dial());
  again.at_up = [&] { again.send("hello again"); };
  again.start();
  REQUIRE(at.world.run_until([&] { return at.paris.paths.size() == 2; }));
  // They did not wait for their time to be up: at most 64 of one address may be there at a time.
  CHECK(closed(idle) >= 1000 - 64);
}

TEST_CASE("ws hostile: of many addresses together no more than 256 connections wait",
          "[transport]") {
  siege at;
  std::deque<stranger> idle;
  for (int i = 0; i < 300; ++i) {
    const std::string from = "127.0.1." + std::to_string(1 + i / 50);
    idle.emplace_back(at.world.io, at.port(), bytes(), once({}), from.c_str());
    at.world.run_one();
  }
  idle.back().say(upgrade_request("london", right));  // the newest may come in
  REQUIRE(at.world.run_until([&] { return !idle.back().answer().empty(); }));
  CHECK(closed(idle) >= 300 - 256);
  for (std::size_t i = 0; i < 300 - 256; ++i) CHECK(idle[i].closed());
  at.check_undisturbed();
}

TEST_CASE("ws hostile: handshakes of TLS that are garbage or never end", "[transport]") {
  ws_world world(scheme::wss);
  contract::connected both(world);
  const auto port = world.paris.listen->server.port;
  stranger garbage(world.io, port, bytes("GET /link/london HTTP/1.1\r\n\r\n"));
  stranger silent(world.io, port, bytes("\x16\x03\x01", 3));
  CHECK(world.run_until([&] { return garbage.closed() && silent.closed(); }));
  contract::transfer(world, both.london, both.paris(), path::lane::data, 3, 10);
}

// The parts of the benchmarks measure nothing wrong.
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <future>
#include <random>
#include <string>
#include <thread>

#include "tests/bench/delay_line.hpp"
#include "tests/bench/latency_histogram.hpp"
#include "tests/bench/mqtt_packets.hpp"
#include "tests/bench/payload.hpp"
#include "tests/support/eventually.hpp"

using namespace linkd::bench;
using namespace std::chrono_literals;
using linkd::test::eventually;
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

// A delay line to a listener of ours, on a thread of its own.
class line_to_us {
 public:
  explicit line_to_us(std::chrono::microseconds delay)
      : listener_(local_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        line_(io_, listener_.local_endpoint().port(), delay),
        thread_([this] { io_.run(); }) {}
  ~line_to_us() {
    io_.stop();
    thread_.join();
  }

  // Both ends of a connection through the line.
  std::pair<tcp::socket, tcp::socket> connect() {
    tcp::socket near(local_);
    near.connect({asio::ip::address_v4::loopback(), line_.port()});
    return {std::move(near), listener_.accept()};
  }
  template <class Action>
  void on_thread(Action action) {
    std::promise<void> done;
    asio::post(io_, [&] {
      action(line_);
      done.set_value();
    });
    done.get_future().wait();
  }

 private:
  asio::io_context local_, io_;
  // A line that is cut waits for nothing.
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  tcp::acceptor listener_;
  delay_line line_;
  std::thread thread_;
};

std::string random_bytes(std::size_t size) {
  std::mt19937 random(7);
  std::string text(size, '\0');
  for (auto& each : text) each = static_cast<char>(random());
  return text;
}

}  // namespace

TEST_CASE("delay line: every byte arrives, in order, not before its time") {
  line_to_us line(20ms);
  auto [near, far] = line.connect();
  const std::string sent = random_bytes(24u << 20);  // more than the line holds
  const auto start = std::chrono::steady_clock::now();
  std::thread writer([&near = near, &sent] {
    asio::write(near, asio::buffer(sent));
    near.shutdown(tcp::socket::shutdown_send);
  });
  std::string first(1, '\0'), rest;
  asio::read(far, asio::buffer(first));
  CHECK(std::chrono::steady_clock::now() - start >= 20ms);
  boost::system::error_code ended;
  asio::read(far, asio::dynamic_buffer(rest), ended);
  writer.join();
  CHECK(ended == asio::error::eof);
  CHECK((first + rest == sent));

  asio::write(far, asio::buffer("answer", 6));
  std::string answer(6, '\0');
  asio::read(near, asio::buffer(answer));
  CHECK(answer == "answer");
  // We may have the last bytes before the line has counted them.
  const auto counted = [&line](auto bytes) {
    std::size_t count = 0;
    line.on_thread([&](const delay_line& counting) { count = (counting.*bytes)(); });
    return count;
  };
  CHECK(eventually(10s, [&] { return counted(&delay_line::bytes_down) == 6; }));
  CHECK(counted(&delay_line::bytes_up) == sent.size());
}

TEST_CASE("delay line: cut and restored") {
  line_to_us line(0ms);
  auto [near, far] = line.connect();
  line.on_thread([](delay_line& cut) { cut.cut(); });
  std::string nothing(1, '\0');
  boost::system::error_code ended;
  asio::read(near, asio::buffer(nothing), ended);
  CHECK(ended);
  asio::io_context io;
  tcp::socket again(io);
  line.on_thread([&](const delay_line& cut) {
    boost::system::error_code refused;
    again.connect({asio::ip::address_v4::loopback(), cut.port()}, refused);
    CHECK(refused == asio::error::connection_refused);
  });
  line.on_thread([](delay_line& restored) { restored.restore(); });
  auto [near_again, far_again] = line.connect();
  asio::write(near_again, asio::buffer("x", 1));
  asio::read(far_again, asio::buffer(nothing));
  CHECK(nothing == "x");
}

TEST_CASE("latency histogram: quantiles to one or two per cent") {
  latency_histogram empty;
  CHECK(empty.quantile_us(0.5) == 0);
  latency_histogram all;
  for (std::uint64_t value = 1; value <= 100'000; ++value) all.observe(value);
  CHECK(all.count() == 100'000);
  CHECK(all.max_us() == 100'000);
  CHECK(all.quantile_us(0.0001) == 10);
  for (const double share : {0.001, 0.01, 0.5, 0.99, 0.999, 1.0}) {
    const double exact = share * 100'000;
    CHECK(static_cast<double>(all.quantile_us(share)) >= exact);
    CHECK(static_cast<double>(all.quantile_us(share)) <= exact * 1.016);
  }
  all.observe(~std::uint64_t(0));
  CHECK(all.quantile_us(1) == ~std::uint64_t(0));
}

TEST_CASE("load packets: read as written, however they are cut") {
  const std::string payload(300, 'p');
  std::string stream;
  append_publish(stream, {"bench/1", 1, 65'000, payload});
  append_puback(stream, 513);
  append_publish(stream, {"t", 0, 0, ""});
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    std::string_view begin(stream.data(), cut);
    std::size_t whole = 0;
    while (take_packet(begin)) ++whole;
    std::string_view rest(stream.data() + cut - begin.size(), stream.size() - cut + begin.size());
    while (take_packet(rest)) ++whole;
    CHECK(whole == 3);
    CHECK(rest.empty());
  }
  std::string_view all(stream);
  const published first = read_publish(*take_packet(all));
  CHECK(first.topic == "bench/1");
  CHECK(first.qos == 1);
  CHECK(first.id == 65'000);
  CHECK(first.payload == payload);
  CHECK(read_puback(*take_packet(all)) == 513);
  const published last = read_publish(*take_packet(all));
  CHECK(last.qos == 0);
  CHECK(last.payload.empty());
}

TEST_CASE("load payloads: carry their stamp, have their size, and differ") {
  const auto kind = GENERATE(payload_kind::json, payload_kind::binary, payload_kind::random);
  const std::size_t size = GENERATE(64u, 200u, 1024u, 16384u);
  payloads made(kind, size);
  const std::string one(made.make({1, 1'234'567'890}));
  const std::string two(made.make({4'000'000'000, 9'876'543'210'123'456}));
  CHECK(one.size() == size);
  CHECK(made.read(one)->number == 1);
  CHECK(made.read(one)->sent_us == 1'234'567'890);
  CHECK(made.read(two)->number == 4'000'000'000);
  CHECK(made.read(two)->sent_us == 9'876'543'210'123'456);
  CHECK(one.substr(40) != two.substr(40));
  CHECK_FALSE(made.read(one + ' '));
}

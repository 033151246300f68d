#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <catch2/catch.hpp>
#include <functional>
#include <list>

#include "live/dotted_readings.hpp"
#include "tests/contract/scripted_packets.hpp"
#include "tests/contract/subscription_world.hpp"
#include "topic/topic.hpp"

// The sources that ask an HTTP API, with a server that answers as the documentation of the brokers
// says. RabbitMQ itself is asked in rabbitmq_source_test.cpp.
using namespace linkd;
using namespace linkd::test;
namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

struct row {
  std::string client, filter;
};

std::string quoted(const std::string& text) {
  return '"' + text + '"';
}

// A broker's API: the rows of one page, rendered.
std::string render(interest_source source, const std::vector<row>& rows, bool more) {
  std::string list;
  for (const auto& [client, filter] : rows) {
    if (!list.empty()) list += ",";
    if (source == interest_source::rabbitmq) {
      std::string key = filter;
      std::replace(key.begin(), key.end(), '/', '.');
      std::replace(key.begin(), key.end(), '+', '*');
      list += R"({"destination":)" + quoted("mqtt-subscription-" + client + "qos1") +
              R"(,"routing_key":)" + quoted(key) + "}";
    } else {
      list += R"({"clientid":)" + quoted(client) + R"(,"topic":)" + quoted(filter) +
              R"(,"qos":1,"node":"n"})";
    }
  }
  list = "[" + list + "]";
  if (source == interest_source::rabbitmq) return list;
  if (source == interest_source::nanomq) return R"({"code":0,"data":)" + list + "}";
  return R"({"data":)" + list + R"(,"meta":{"page":1,"limit":1000,"hasnext":)" +
         (more ? "true" : "false") + "}}";
}

class fake_api {
 public:
  fake_api(asio::io_context& io, interest_source source)
      : acceptor_(io, {asio::ip::address_v4::loopback(), 0}), source_(source) {
    accept();
  }

  [[nodiscard]] std::uint16_t port() { return acceptor_.local_endpoint().port(); }

  std::vector<row> rows;
  std::string authorization = "Basic a2V5OnNlY3JldA==";  // key:secret
  std::string garbage;                                   // answered instead
  int connections = 0, requests = 0;
  void set_down(bool down) {
    down_ = down;
    if (down) clients_.clear();
  }

 private:
  struct client {
    explicit client(asio::ip::tcp::socket accepted) : socket(std::move(accepted)) {}
    asio::ip::tcp::socket socket;
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> request;
    http::response<http::string_body> response;
  };

  void accept() {
    acceptor_.async_accept([this](boost::system::error_code failed, asio::ip::tcp::socket socket) {
      if (failed) return;
      if (!down_) {
        ++connections;
        clients_.push_back(std::make_shared<client>(std::move(socket)));
        serve(clients_.back());
      }
      accept();
    });
  }
  void serve(const std::shared_ptr<client>& with) {
    with->request = {};
    http::async_read(with->socket, with->buffer, with->request,
                     [this, with](boost::system::error_code failed, std::size_t) {
                       if (failed || down_) return;
                       answer(with);
                     });
  }
  void answer(const std::shared_ptr<client>& with) {
    ++requests;
    with->response = {};
    with->response.version(11);
    if (with->request[http::field::authorization] != authorization) {
      with->response.result(401);
      with->response.body() = R"({"error":"not_authorised"})";
    } else {
      with->response.body() = garbage.empty() ? page(std::string(with->request.target())) : garbage;
    }
    with->response.prepare_payload();
    http::async_write(with->socket, with->response,
                      [this, with](boost::system::error_code failed, std::size_t) {
                        if (!failed && !down_) serve(with);
                      });
  }
  std::string page(const std::string& target) {
    if (source_ != interest_source::emqx) return render(source_, rows, false);
    const auto number = std::stoul(target.substr(target.rfind('=') + 1));
    const auto begin = std::min<std::size_t>((number - 1) * 1000, rows.size());
    const auto end = std::min<std::size_t>(begin + 1000, rows.size());
    return render(source_,
                  {rows.begin() + static_cast<std::ptrdiff_t>(begin),
                   rows.begin() + static_cast<std::ptrdiff_t>(end)},
                  end < rows.size());
  }

  asio::ip::tcp::acceptor acceptor_;
  interest_source source_;
  std::list<std::shared_ptr<client>> clients_;
  bool down_ = false;
};

interest_source any_source() {
  return GENERATE(interest_source::rabbitmq, interest_source::emqx, interest_source::nanomq);
}

struct polled : subscription_world {
  explicit polled(interest_source which) : subscription_world(which), api(io, which) {
    settings.broker.server = {scheme::mqtt, "127.0.0.1", 1};  // no events
    settings.interest.server = {scheme::http, "127.0.0.1", api.port()};
    settings.interest.login = {"key", secret("secret"), ""};
  }
  fake_api api;
};

}  // namespace

TEST_CASE("polling source: the view is complete after one poll and follows the next ones") {
  polled world(any_source());
  world.api.rows = {{"c1", "a/+"},
                    {"c2", "a/+"},
                    {"c2", "b/#"},
                    {"mqtt-linkd-rome", "rome/#"},
                    {"mqtt-linkd-paris:live", "x"}};
  world.start();
  REQUIRE(world.until_complete({"a/+", "b/#"}));
  world.api.rows = {{"c2", "a/+"}, {"c3", "c"}};
  REQUIRE(world.until_complete({"a/+", "c"}));
  CHECK(world.views == 1);
  CHECK(world.api.connections == 1);
  world.stop();
}

// The topics are those that the brokers' documentation names; mosquitto lets nobody publish them.
TEST_CASE("polling source: an event of the broker makes it ask at once") {
  const auto [which, event] = GENERATE(table<interest_source, std::string>(
      {{interest_source::emqx, "$SYS/brokers/emqx@127.0.0.1/clients/c/subscribed"},
       {interest_source::emqx, "$SYS/brokers/emqx@127.0.0.1/clients/c/unsubscribed"},
       {interest_source::emqx, "$SYS/brokers/emqx@127.0.0.1/clients/c/disconnected"},
       {interest_source::nanomq, "$SYS/brokers/client_status/c"}}));
  CAPTURE(event);
  polled world(which);
  bool would_come = false;
  scripted_server broker(world.io, [&, &topic = event](const packet& in) -> reply {
    if (in.type == type::connect) return {connack(in, false)};
    if (in.type != type::subscribe) return {};
    would_come = would_come || topic::matches(filter_of(in), topic);
    return {suback(in, true, 1)};
  });
  world.settings.broker.server = broker.address();
  world.settings.interest.poll = std::chrono::hours(1);
  world.api.rows = {{"c", "a"}};
  world.start();
  // The poll at the start, and one as the events begin: what happened before is none.
  REQUIRE(run_until(world.io, [&] { return world.api.requests == 2; }));
  REQUIRE(world.until_complete({"a"}));
  REQUIRE(would_come);
  world.api.rows = {{"c", "b"}};
  broker.send_all(event_packet(event));
  CHECK(world.until_complete({"b"}));
  world.stop();
}

TEST_CASE("polling source: a wrong password is told, and mended by itself") {
  polled world(any_source());
  world.api.authorization = "Basic other";
  world.start();
  REQUIRE(world.until_unknown("check username and password"));
  world.api.authorization = "Basic a2V5OnNlY3JldA==";
  CHECK(world.until_complete({}));
  world.stop();
}

TEST_CASE("polling source: an API that is away for long means no view until it is back") {
  polled world(any_source());
  world.api.rows = {{"c", "a"}};
  world.start();
  REQUIRE(world.until_complete({"a"}));
  world.api.set_down(true);
  world.time.skew += seconds(60);
  REQUIRE(world.until_unknown("127.0.0.1"));
  world.api.rows = {{"c", "b"}};
  world.api.set_down(false);
  CHECK(world.until_complete({"b"}));
  CHECK(world.views == 2);
  world.stop();
}

TEST_CASE("polling source: an answer that is something else is not taken for no subscriptions") {
  polled world(any_source());
  world.api.garbage = GENERATE(as<std::string>(), "<html>", "{}", "{\"code\":1}", "");
  if (world.api.garbage.empty()) world.api.garbage = " ";
  world.start();
  REQUIRE(world.until_unknown("the broker's API"));
  world.stop();
}

TEST_CASE("polling source: many pages are one view, and what moves between them stays") {
  polled world(interest_source::emqx);
  subscription_world::view expected;
  for (int i = 0; i < 2500; ++i) {
    world.api.rows.push_back({"c", "t/" + std::to_string(i)});
    expected.insert("t/" + std::to_string(i));
  }
  world.start();
  REQUIRE(world.until_complete(expected));
  // Gone for one poll only.
  const auto all = world.api.rows;
  world.api.rows.resize(2000);
  const int requests = world.api.requests;
  REQUIRE(run_until(world.io, [&] { return world.api.requests >= requests + 2; }));
  world.api.rows = all;
  REQUIRE(run_until(world.io, [&] { return world.api.requests >= requests + 7; }));
  CHECK(world.filters == expected);
  world.api.rows.resize(1500);
  expected.clear();
  for (int i = 0; i < 1500; ++i) expected.insert("t/" + std::to_string(i));
  CHECK(world.until_complete(expected));
  world.stop();
}

TEST_CASE(
    "polling source: a broker that hides dots is asked for each reading, and limits are told") {
  polled world(interest_source::rabbitmq);
  world.api.rows = {{"c", "v1.2/x"}, {"c", "a/+"}};
  world.start();
  const subscription_world::view readings{"v1/2/x", "v1.2/x", "v1/2.x", "v1.2.x", "a/+"};
  REQUIRE(world.until_complete(readings));
  CHECK(world.log.events.empty());
  CHECK(world.note == "the broker tells . and / alike: 3 filters with a . are asked for as well");
  world.api.rows = {{"c", "spBv1.0/g/NDATA/n"}};
  REQUIRE(world.until_complete({"spBv1/0/g/NDATA/n", "spBv1.0/g/NDATA/n", "spBv1/0.g/NDATA/n",
                                "spBv1/0/g.NDATA/n", "spBv1/0/g/NDATA.n"}));
  CHECK(world.log.events == std::vector<std::string>{"interest_without_dots"});
  CHECK_THAT(world.note, Catch::Contains("of 1 filters topics with more than one ."));
  // More readings than are asked for.
  subscription_world::view many;
  world.api.rows.clear();
  for (std::size_t i = 0; i <= live::dotted_readings::total_max; ++i) {
    world.api.rows.push_back({"c", "t/" + std::to_string(i)});
    many.insert("t/" + std::to_string(i));
  }
  REQUIRE(world.until_complete(many));
  CHECK(world.log.events.size() == 1);  // told once
  CHECK_THAT(world.note, Catch::Contains("of 4001 filters no topic with a ."));
  world.api.rows = {{"c", "v1.2/x"}, {"c", "a/+"}};
  REQUIRE(world.until_complete(readings));
  world.api.rows = {{"c", "a/+"}};
  REQUIRE(world.until_complete({"a/+"}));
  CHECK(run_until(world.io, [&] { return world.note.empty(); }));
  world.stop();
}

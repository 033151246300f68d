#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>
#include <fstream>

#include "tests/e2e/http.hpp"
#include "tests/e2e/site.hpp"
#include "tests/support/environment_variable.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/mqtt_peer.hpp"
#include "tests/support/sanitizer.hpp"

// The admin API of whole daemons.
using namespace linkd;
using namespace linkd::test;
namespace json = boost::json;

namespace {

std::string broker_of(const site& which) {
  return "mqtt://127.0.0.1:" + std::to_string(which.broker_port());
}

message numbered_one() {
  message out;
  out.topic = "from-a/1";
  out.payload = "text";
  out.qos = 1;
  return out;
}

// Two linked deployments.
struct pair {
  pair() : a("A"), b("B") {
    a.write_link("B", broker_of(b), {"from-b/#"});
    b.write_link("A", "", {"from-a/#"});
    a.start_daemon();
    b.start_daemon();
    REQUIRE(eventually(patience, [&] { return linked(a, b); }));
  }
  site a, b;
};

json::value body_of(const http_answer& answer) {
  CAPTURE(answer.status, answer.body);
  return json::parse(answer.body);
}

std::string code_of(const http_answer& answer) {
  return std::string(body_of(answer).at("error").at("code").as_string());
}

std::string link_file(const site& of, const std::string& name) {
  return (of.directory() / "links.d" / (name + ".yaml")).string();
}

std::string state_of(const site& of, const std::string& link) {
  const auto answer = http_get(of.admin_port(), "/api/v1/links/" + link);
  if (answer.status != 200) return {};
  return std::string(json::parse(answer.body).at("status").at("state").as_string());
}

std::string etag_of(const http_answer& answer) {
  const auto at = answer.header.find("ETag: ");
  REQUIRE(at != std::string::npos);
  return answer.header.substr(at + 6, answer.header.find("\r\n", at) - at - 6);
}

std::string first_topic(const http_answer& answer) {
  return std::string(body_of(answer).at("topics").at(0).as_string());
}

http_answer post(const site& to, const std::string& path, const std::string& body = {},
                 const std::string& headers = {}) {
  return http_send(to.admin_port(), "POST", "/api/v1/" + path, body, headers);
}

// A connection to the admin port that says nothing.
int silent_connection(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (socket >= 0 &&
      ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    ::close(socket);
    return -1;
  }
  return socket;
}

// The answer's first line to a request that a browser sends to a name that now leads to us.
std::string answer_to_rebound(std::uint16_t port, const std::string& host) {
  const int socket = silent_connection(port);
  REQUIRE(socket >= 0);
  const timeval patience_of_recv{10, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience_of_recv, sizeof(patience_of_recv));
  const std::string text =
      "GET /api/v1/status HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
  REQUIRE(::send(socket, text.data(), text.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(text.size()));
  std::string answer(4096, '\0');
  answer.resize(static_cast<std::size_t>(
      std::max<ssize_t>(0, ::recv(socket, answer.data(), answer.size(), 0))));
  ::close(socket);
  return answer.substr(0, answer.find("\r\n"));
}

}  // namespace

TEST_CASE("admin: every answer is as the OpenAPI document says") {
  pair s;
  const auto end =
      run({LINKD_CHECK_OPENAPI, "http://127.0.0.1:" + std::to_string(s.a.admin_port()), "B"}, {},
          std::chrono::seconds(100));
  INFO(end.output);
  CHECK(end.exit_code == 0);
}

TEST_CASE("admin: a link is created, paused, resumed and removed while another one runs on") {
  pair s;
  site c("C");
  c.write_link("A", "", {"from-a/#"});
  c.start_daemon();
  const auto connects = s.a.metric("mqtt_linkd_link_connects_total", {"link=\"B\""});
  const std::string kept = read_file(link_file(s.a, "B"));
  const std::string server = broker_of(c);
  const auto created =
      post(s.a, "links", R"({"name": "C", "server": ")" + server + R"(", "topics": ["x"]})");
  REQUIRE(created.status == 201);
  CHECK(read_file(link_file(s.a, "C")) == "name: C\nserver: \"" + server + "\"\ntopics: [x]\n");
  REQUIRE(eventually(patience, [&] { return linked(s.a, c); }));

  REQUIRE(post(s.a, "links/C/pause").status == 200);
  CHECK(state_of(s.a, "C") == "paused");
  REQUIRE(eventually(patience, [&] { return state_of(c, "A") == "down"; }));
  mqtt_peer client({.port = s.a.broker_port(), .client_id = "publisher"});
  client.publish(numbered_one());
  REQUIRE(eventually(patience, [&] { return s.a.waiting_for("C") == 1; }));
  const auto test = body_of(post(s.a, "links/C/test"));
  CHECK(test.at("ok") == true);
  CHECK(test.at("servers").at(0).at("message") == "connected and logged in");
  CHECK(body_of(post(s.a, "links/B/test")).at("servers").as_array().empty());  // it is up
  REQUIRE(post(s.a, "links/C/resume").status == 200);
  REQUIRE(eventually(patience, [&] { return linked(s.a, c) && s.a.waiting_for("C") == 0; }));

  REQUIRE(http_send(s.a.admin_port(), "DELETE", "/api/v1/links/C").status == 204);
  CHECK_FALSE(std::filesystem::exists(link_file(s.a, "C")));
  CHECK(state_of(s.a, "C").empty());
  CHECK(std::filesystem::exists(s.a.directory() / "state/links/C/queue"));
  CHECK(read_file(link_file(s.a, "B")) == kept);
  CHECK(s.a.metric("mqtt_linkd_link_connects_total", {"link=\"B\""}) == connects);
}

TEST_CASE("admin: an edit keeps comments, secrets and the environment of the file") {
  site a("A");
  const std::string text =
      "# Ours.\nname: B\n\n# Their broker:\nserver: mqtt://127.0.0.1:1  # nobody\n"
      "password: ${LINKD_E2E_SECRET}\ntopics: [a]\n";
  write_file(link_file(a, "B"), text);
  const environment_variable secret("LINKD_E2E_SECRET", "hidden");
  a.start_daemon();
  REQUIRE(eventually(patience, [&] { return !state_of(a, "B").empty(); }));
  auto link = body_of(http_get(a.admin_port(), "/api/v1/links/B")).as_object();
  CHECK(link["password"] == "******");
  link["topics"] = json::array{"a", "b"};
  const auto put = http_send(a.admin_port(), "PUT", "/api/v1/links/B", json::serialize(link));
  CHECK(put.status == 200);
  CHECK(read_file(link_file(a, "B")) == text.substr(0, text.find("topics")) + "topics: [a, b]\n");
  CHECK(body_of(put).at("topics").as_array().size() == 2);
  for (const char* path : {"status", "links", "links/B", "links/B/metrics"}) {
    CHECK(http_get(a.admin_port(), "/api/v1/" + std::string(path)).body.find("hidden") ==
          std::string::npos);
  }
  CHECK(a.daemon_log().find("hidden") == std::string::npos);
}

TEST_CASE("admin: somebody's editor counts as a change, and a broken file can be put right") {
  site a("A");
  a.write_link("B", "mqtt://127.0.0.1:1", {"a"});
  a.start_daemon();
  REQUIRE(eventually(patience, [&] { return !state_of(a, "B").empty(); }));
  const auto before = http_get(a.admin_port(), "/api/v1/links/B");
  const std::string good = read_file(link_file(a, "B"));
  write_file(link_file(a, "B"), good + "colour: red\n");
  const std::string if_match = "If-Match: " + etag_of(before) + "\r\n";
  CHECK(http_send(a.admin_port(), "PUT", "/api/v1/links/B", before.body, if_match).status == 412);
  CHECK(code_of(post(a, "links/B/disable")) == "invalid");
  CHECK(read_file(link_file(a, "B")) == good + "colour: red\n");
  const auto reload = body_of(post(a, "reload"));
  CHECK(reload.at("successful") == false);
  CHECK(reload.at("problems").at(0).at("line") == 5);
  const auto status = body_of(http_get(a.admin_port(), "/api/v1/status"));
  CHECK(status.at("configuration").at("problems").as_array().size() == 1);
  CHECK(http_send(a.admin_port(), "PUT", "/api/v1/links/B", before.body).status == 200);
  CHECK(body_of(post(a, "reload")).at("successful") == true);
  CHECK(body_of(http_get(a.admin_port(), "/api/v1/links/B")).at("topics").at(0) == "a");
}

TEST_CASE("admin: an ETag stands for what was shown with it") {
  site a("A");
  a.write_link("B", "mqtt://127.0.0.1:1", {"a"});
  a.start_daemon();
  REQUIRE(eventually(patience, [&] { return !state_of(a, "B").empty(); }));
  write_file(link_file(a, "B"), "name: B\nserver: mqtt://127.0.0.1:1\ntopics: [b]\n");
  // Before or after the daemon has noticed.
  const auto first = http_get(a.admin_port(), "/api/v1/links/B");
  http_answer last;
  REQUIRE(eventually(patience, [&] {
    last = http_get(a.admin_port(), "/api/v1/links/B");
    return first_topic(last) == "b";
  }));
  CHECK((first_topic(first) == "b") == (etag_of(first) == etag_of(last)));
  CHECK(http_send(a.admin_port(), "PUT", "/api/v1/links/B", last.body,
                  "If-Match: " + etag_of(last) + "\r\n")
            .status == 200);
}

TEST_CASE("admin: what cannot be written is told, and nothing has changed") {
  site a("A");
  a.write_link("B", "mqtt://127.0.0.1:1", {"a"});
  a.start_daemon();
  REQUIRE(eventually(patience, [&] { return !state_of(a, "B").empty(); }));
  // Root may write anywhere, but not over a directory.
  std::filesystem::create_directories(a.directory() / "links.d/.C.yaml.new/x");
  const auto answer = post(a, "links", R"({"name": "C"})");
  CHECK(answer.status == 500);
  CHECK(code_of(answer) == "not_written");
  CHECK(state_of(a, "C").empty());
  CHECK_FALSE(std::filesystem::exists(link_file(a, "C")));
}

TEST_CASE("admin: hostile names leave no file, no second line in the log and no page") {
  site a("A");
  a.start_daemon();
  REQUIRE(eventually(patience, [&] { return http_get(a.admin_port(), "/livez").status == 200; }));
  for (const std::string name :
       {"../evil", "..", ".", "", "/etc/evil", "a/b", "a\\u0000b", "evil.yaml", ".evil",
        "<script>alert(1)</script>", "a\\n2026-01-01T00:00:00.000Z error forged", "\\u001b[31m",
        "a b", "A"}) {
    CAPTURE(name);
    const auto answer = post(a, "links", R"({"name": ")" + name + R"("})");
    CHECK(answer.status == 422);
    CHECK(answer.header.find("application/json") != std::string::npos);
    CHECK(answer.header.find("nosniff") != std::string::npos);
  }
  CHECK(post(a, "links", "{\"name\": \"" + std::string(65, 'x') + "\"}").status == 422);
  for (const std::string path : {"../../../../etc/passwd", "%2e%2e%2f%2e%2e%2fmqtt-linkd.yaml",
                                 "..", "x%0aforged", "<script>"}) {
    for (const char* method : {"GET", "PUT", "DELETE"}) {
      CAPTURE(path, method);
      CHECK(http_send(a.admin_port(), method, "/api/v1/links/" + path,
                      std::string(method) == "PUT" ? "{}" : "")
                .status == 404);
    }
  }
  CHECK(std::filesystem::is_empty(a.directory() / "links.d"));
  CHECK(std::filesystem::exists(a.configuration()));
  CHECK(a.daemon_log().find("\n2026-01-01") == std::string::npos);
  CHECK(a.daemon_log().find('\x1b') == std::string::npos);
}

TEST_CASE("admin: other web sites and rebound names give no orders") {
  pair s;
  const std::string pause = "links/B/pause";
  CHECK(post(s.a, pause, {}, "Origin: http://evil.example\r\n").status == 403);
  CHECK(post(s.a, pause, {}, "Origin: null\r\n").status == 403);
  CHECK(post(s.a, pause, {}, "Sec-Fetch-Site: cross-site\r\n").status == 403);
  CHECK(post(s.a, pause, {}, "Content-Type: text/plain\r\n").status == 415);
  CHECK(post(s.a, pause, {}, "Content-Type: application/x-www-form-urlencoded\r\n").status == 415);
  CHECK(post(s.a, pause, {}, "Host: evil.example\r\n").status == 400);  // a second one
  CHECK(state_of(s.a, "B") == "up");
  const auto port = s.a.admin_port();
  CHECK(answer_to_rebound(port, "evil.example:" + std::to_string(port)).find(" 421 ") !=
        std::string::npos);
  CHECK(answer_to_rebound(port, "localhost.evil.example").find(" 421 ") != std::string::npos);
  CHECK(answer_to_rebound(port, "localhost:" + std::to_string(port)).find(" 200 ") !=
        std::string::npos);
}

TEST_CASE("admin: 10,000 connections that say nothing stop neither the API nor the link") {
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  REQUIRE(limit.rlim_cur > 10'100);
  pair s;
  const auto memory = s.a.daemon().resident_bytes();
  std::vector<int> open;
  for (int i = 0; i < 10'000; ++i) {
    const int socket = silent_connection(s.a.admin_port());
    if (socket < 0) break;
    open.push_back(socket);
    if (i % 2 == 0) (void)::send(socket, "GET / HT", 8, MSG_NOSIGNAL);
    if (i % 2'500 == 0) CHECK(http_get(s.a.admin_port(), "/livez").status == 200);
  }
  CHECK(open.size() == 10'000);
  CHECK(http_get(s.a.admin_port(), "/api/v1/status").status == 200);
  const mqtt_peer subscriber(
      {.port = s.b.broker_port(), .client_id = "subscriber", .filters = {"from-a/#"}});
  mqtt_peer publisher({.port = s.a.broker_port(), .client_id = "publisher"});
  publisher.publish(numbered_one());
  CHECK(subscriber.await_arrivals(1, patience));
  CHECK(s.a.daemon().resident_bytes() < memory + (32u << 20) + sanitizer_bytes);
  for (const int each : open) ::close(each);
}

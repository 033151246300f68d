#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>
#include <filesystem>

#include "admin/service.hpp"
#include "exposition.hpp"
#include "fake_control.hpp"
#include "fakes.hpp"
#include "tests/support/temp_dir.hpp"

using namespace linkd;
using admin::http_request;
using admin::http_response;
namespace http = admin::http;
using http::field;
using http::status;
using http::verb;

namespace {

const admin::caller neighbour{"127.0.0.1", false};

http_request request_for(std::string_view target, verb method = verb::get) {
  http_request request(method, target, 11);
  request.set(field::host, "localhost:8871");
  return request;
}

struct fixture {
  explicit fixture(admin_settings settings = {{scheme::http, "127.0.0.1", 8871}, ""})
      : service(settings,
                {[] { return link::deployment_status{}; },
                 [] {
                   return admin::process_status{"1.2.3", true, {}, {}};
                 },
                 [this] { return ready; }},
                orders, clock, log) {}

  http_response get(const http_request& request, const admin::caller& from = neighbour) {
    return std::get<http_response>(service.handle(request, from));
  }

  status status_with_host(std::string_view host, const admin::caller& from = neighbour) {
    auto request = request_for("/livez");
    request.set(field::host, host);
    return get(request, from).result();
  }

  status status_with_token(std::string_view authorization, const admin::caller& from = neighbour) {
    auto request = request_for("/metrics");
    request.set(field::authorization, authorization);
    return get(request, from).result();
  }

  test::manual_clock clock;
  test::recording_logger log;
  admin::ready_state ready{true, ""};
  test::fake_control orders;
  admin::service service;
};

struct token_fixture {
  token_fixture() { test::write_file(file, "correct horse\n"); }
  test::temp_dir dir;
  std::filesystem::path file = dir.path() / "token";
  fixture f{admin_settings{{scheme::http, "127.0.0.1", 8871}, file.string()}};
};

std::string error_code_of(const http_response& response) {
  const auto body = boost::json::parse(response.body());
  CHECK(!body.at("error").at("message").as_string().empty());
  return std::string(body.at("error").at("code").as_string());
}

}  // namespace

TEST_CASE("admin: livez says ok and nothing else", "[admin]") {
  fixture f;
  const auto response = f.get(request_for("/livez"));
  CHECK(response.result() == status::ok);
  CHECK(response.body() == "ok\n");
}

TEST_CASE("admin: readyz follows the daemon and gives the reason", "[admin]") {
  fixture f;
  CHECK(f.get(request_for("/readyz")).result() == status::ok);
  f.ready = {false, "local broker: connection \"refused\"\n"};
  const auto response = f.get(request_for("/readyz"));
  CHECK(response.result() == status::service_unavailable);
  CHECK(error_code_of(response) == "not_ready");
  CHECK(boost::json::parse(response.body()).at("error").at("message").as_string() ==
        f.ready.reason);
}

TEST_CASE("admin: metrics are a page a scraper reads", "[admin]") {
  fixture f;
  const auto response = f.get(request_for("/metrics?x=y"));
  CHECK(response.result() == status::ok);
  CHECK(response[field::content_type] == "text/plain; version=0.0.4; charset=utf-8");
  const auto page = test::parse_exposition(response.body());
  CHECK(page.samples.contains({"mqtt_linkd_build_info", {{"version", "1.2.3"}}}));
}

TEST_CASE("admin: every response carries the security headers and its length", "[admin]") {
  fixture f;
  auto wrong_host = request_for("/livez");
  wrong_host.set(field::host, "evil.example");
  for (const auto& request : {request_for("/livez"), request_for("/nothing"), wrong_host}) {
    const auto response = f.get(request);
    CHECK(response["X-Content-Type-Options"] == "nosniff");
    CHECK(response["Content-Security-Policy"].find("default-src 'self'") == 0);
    CHECK(response[field::cache_control] == "no-store");
    CHECK(response[field::content_length] == std::to_string(response.body().size()));
    CHECK(response[field::server].empty());
  }
}

TEST_CASE("admin: HEAD is GET without the body", "[admin]") {
  fixture f;
  const auto with_body = f.get(request_for("/metrics"));
  const auto response = f.get(request_for("/metrics", verb::head));
  CHECK(response.result() == status::ok);
  CHECK(response.body().empty());
  CHECK(response[field::content_length] == with_body[field::content_length]);
}

TEST_CASE("admin: what is not there is 404, other methods are 405 with Allow", "[admin]") {
  fixture f;
  for (const char* target : {"/index", "/metrics/", "//metrics", "/METRICS", "/../metrics",
                             "/..%2fmetrics", "/metrics%00", "http://localhost/metrics", "*"}) {
    CAPTURE(target);
    const auto response = f.get(request_for(target));
    CHECK(response.result() == status::not_found);
    CHECK(error_code_of(response) == "not_found");
  }
  for (const verb method : {verb::post, verb::put, verb::delete_, verb::trace, verb::options}) {
    const auto response = f.get(request_for("/metrics", method));
    CHECK(response.result() == status::method_not_allowed);
    CHECK(response[field::allow] == "GET, HEAD");
    CHECK(error_code_of(response) == "method_not_allowed");
  }
}

TEST_CASE("admin: only names that are ours may stand in Host", "[admin]") {
  fixture f;
  for (const char* host : {"localhost", "LocalHost:80", "127.0.0.1", "127.0.0.1:8871",
                           "127.1.2.3:1", "[::1]:8871", "[::1]"}) {
    CAPTURE(host);
    CHECK(f.status_with_host(host) == status::ok);
  }
  for (const char* host :
       {"evil.example", "localhost.evil.example", "evil.example:8871", "127.0.0.1.evil.example",
        "10.0.0.1", "0.0.0.0", "[::]", "[::1", "::1", "localhost:80:80", "localhost:x", ":8871",
        "localhost@evil.example", "[::1]evil", "", "2130706433"}) {
    CAPTURE(host);
    CHECK(f.status_with_host(host) == status::misdirected_request);
  }
}

TEST_CASE("admin: the configured address is a name of ours, whatever it is", "[admin]") {
  fixture named({{scheme::http, "linkd.example", 8871}, ""});
  CHECK(named.status_with_host("linkd.example:8871") == status::ok);
  CHECK(named.status_with_host("10.0.0.1:8871") == status::misdirected_request);
  fixture one({{scheme::http, "fd00::1", 8871}, ""});
  CHECK(one.status_with_host("[fd00:0::1]:8871") == status::ok);
  CHECK(one.status_with_host("[fd00::2]:8871") == status::misdirected_request);
  fixture all({{scheme::http, "0.0.0.0", 8871}, ""});
  CHECK(all.status_with_host("10.0.0.1:8871") == status::ok);
  CHECK(all.status_with_host("evil.example") == status::misdirected_request);
}

TEST_CASE("admin: on a unix socket any Host will do", "[admin]") {
  fixture f({{scheme::unix_socket, "/run/admin.sock", 0}, ""});
  CHECK(f.status_with_host("whatever", {"unix", true}) == status::ok);
}

TEST_CASE("admin: a request needs exactly one Host", "[admin]") {
  fixture f;
  auto none = request_for("/livez");
  none.erase(field::host);
  CHECK(f.get(none).result() == status::bad_request);
  auto two = request_for("/livez");
  two.insert(field::host, "localhost");
  CHECK(f.get(two).result() == status::bad_request);
}

TEST_CASE("admin: requests of other web sites are refused", "[admin]") {
  fixture f;
  const auto status_with = [&](std::string_view name, std::string_view value) {
    auto request = request_for("/metrics");
    request.insert(name, value);
    return f.get(request).result();
  };
  CHECK(status_with("Origin", "http://localhost:8871") == status::ok);
  CHECK(status_with("Origin", "https://localhost:8871") == status::ok);
  CHECK(status_with("Origin", "http://localhost:3000") == status::forbidden);
  CHECK(status_with("Origin", "http://evil.example") == status::forbidden);
  CHECK(status_with("Origin", "null") == status::forbidden);
  CHECK(status_with("Origin", "") == status::forbidden);
  CHECK(status_with("Sec-Fetch-Site", "same-origin") == status::ok);
  CHECK(status_with("Sec-Fetch-Site", "none") == status::ok);
  CHECK(status_with("Sec-Fetch-Site", "cross-site") == status::forbidden);
  CHECK(status_with("Sec-Fetch-Site", "same-site") == status::forbidden);
}

TEST_CASE("admin: with a token file all but the probes and the console need the token", "[admin]") {
  token_fixture t;
  CHECK(t.f.get(request_for("/livez")).result() == status::ok);
  CHECK(t.f.get(request_for("/readyz")).result() == status::ok);
  CHECK(t.f.get(request_for("/")).result() == status::ok);
  CHECK(t.f.get(request_for("/index.html?x")).result() == status::ok);
  for (const char* target : {"/metrics", "/api/v1/status", "/api/v1/openapi.json", "/api/v1/events",
                             "/index.html/", "//", "/nothing", "/livez/x", "/livezz"}) {
    const auto response = t.f.get(request_for(target));
    CHECK(response.result() == status::unauthorized);
    CHECK(response[field::www_authenticate] == "Bearer");
    CHECK(error_code_of(response) == "unauthorized");
  }
  CHECK(t.f.status_with_token("Bearer correct horse") == status::ok);
  CHECK(t.f.status_with_token("bEARER correct horse") == status::ok);
  CHECK(t.f.log.lines.empty());
}

TEST_CASE("admin: a token that is not quite the token is not the token", "[admin]") {
  token_fixture t;
  for (const char* authorization :
       {"Bearer correct hors", "Bearer correct horse  x", "Bearer Correct horse", "Bearer ",
        "Bearer", "Basic correct horse", "correct horse", "Bearer  correct horse",
        "Bearer correct horse\n"}) {
    CAPTURE(authorization);
    t.f.clock.time += seconds(10);
    CHECK(t.f.status_with_token(authorization) == status::unauthorized);
  }
}

TEST_CASE("admin: the token file is followed, and nothing matches without one", "[admin]") {
  token_fixture t;
  CHECK(t.f.status_with_token("Bearer correct horse") == status::ok);
  test::write_file(t.file, "battery staple");
  CHECK(t.f.status_with_token("Bearer correct horse") == status::unauthorized);
  CHECK(t.f.status_with_token("Bearer battery staple") == status::ok);
  test::write_file(t.file, " \n");
  t.f.clock.time += seconds(10);
  CHECK(t.f.status_with_token("Bearer battery staple") == status::unauthorized);
  CHECK(t.f.status_with_token("Bearer ") == status::unauthorized);
  std::filesystem::remove(t.file);
  CHECK(t.f.status_with_token("Bearer battery staple") == status::unauthorized);
  test::write_file(t.file, "battery staple");
  CHECK(t.f.status_with_token("Bearer battery staple") == status::ok);
}

TEST_CASE("admin: a stream of events ends when its token is no longer the token", "[admin]") {
  token_fixture t;
  auto request = request_for("/api/v1/events");
  request.set(field::authorization, "Bearer correct horse");
  const auto answer = t.f.service.handle(request, neighbour);
  const auto& stream = std::get<admin::event_stream>(answer);
  CHECK(stream.data().has_value());
  test::write_file(t.file, "battery staple");
  CHECK_FALSE(stream.data().has_value());
}

TEST_CASE("admin: guessing is five at once and then five a second, for one address", "[admin]") {
  token_fixture t;
  for (int i = 0; i < 5; ++i) CHECK(t.f.status_with_token("Bearer x") == status::unauthorized);
  CHECK(t.f.status_with_token("Bearer x") == status::too_many_requests);
  // The right one waits as well, or the refusal would tell guesses apart; others do not.
  CHECK(t.f.status_with_token("Bearer correct horse") == status::too_many_requests);
  CHECK(t.f.status_with_token("Bearer correct horse", {"10.0.0.1", false}) == status::ok);
  CHECK(t.f.get(request_for("/metrics")).result() == status::unauthorized);
  int tried = 0;
  for (int i = 0; i < 100; ++i) {
    t.f.clock.time += milliseconds(100);
    tried += t.f.status_with_token("Bearer x") == status::unauthorized ? 1 : 0;
  }
  CHECK(tried == 50);
  t.f.clock.time += milliseconds(200);
  CHECK(t.f.status_with_token("Bearer correct horse") == status::ok);
  // Every guess that was compared is in the log, none of them by its text.
  CHECK(t.f.log.lines.size() == 55);
  CHECK(t.f.log.lines[0] == "admin_token_wrong wrong token from 127.0.0.1");
}

TEST_CASE("admin: guesses from ever new addresses are bounded, too", "[admin]") {
  admin::failure_limiter limiter;
  const time_point now{seconds(1)};
  int tried = 0;
  for (int i = 0; i < 5'000; ++i) {
    const std::string address = std::to_string(i);
    if (!limiter.may_try(address, now)) continue;
    limiter.failed(address, now);
    ++tried;
  }
  CHECK(tried == 1024);
  CHECK(limiter.may_try("new", now + milliseconds(200)));
}

TEST_CASE("router: braces stand for one segment, the first pattern that fits is taken", "[admin]") {
  admin::router router;
  const auto echo = [](std::string name) {
    return [name](const http_request&, const admin::router::captures& captured) {
      std::string body = name;
      for (const auto& segment : captured) body += "," + segment;
      return admin::text_response(status::ok, "text/plain", body);
    };
  };
  router.add(verb::get, "/links", echo("list"));
  router.add(verb::post, "/links", echo("add"));
  router.add(verb::get, "/links/all", echo("all"));
  router.add(verb::get, "/links/{}", echo("one"));
  router.add(verb::post, "/links/{}/{}", echo("do"));
  const auto body_of = [&](verb method, std::string_view target) {
    return std::get<http_response>(router.handle(request_for(target, method))).body();
  };
  CHECK(body_of(verb::get, "/links") == "list");
  CHECK(body_of(verb::head, "/links") == "list");
  CHECK(body_of(verb::post, "/links?a=/b") == "add");
  CHECK(body_of(verb::get, "/links/all") == "all");
  CHECK(body_of(verb::get, "/links/london?x") == "one,london");
  CHECK(body_of(verb::post, "/links/london/pause") == "do,london,pause");
  const auto handle = [&](verb method, std::string_view target) {
    return std::get<http_response>(router.handle(request_for(target, method)));
  };
  CHECK(handle(verb::get, "/links/").result() == status::not_found);
  CHECK(handle(verb::get, "/links/a/b/c").result() == status::not_found);
  const auto response = handle(verb::delete_, "/links");
  CHECK(response.result() == status::method_not_allowed);
  CHECK(response[field::allow] == "GET, HEAD, POST");
}

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>

#include "admin/assets.hpp"
#include "admin/json.hpp"
#include "admin/service.hpp"
#include "fake_control.hpp"
#include "fakes.hpp"

using namespace linkd;
using admin::http_request;
using admin::http_response;
namespace http = admin::http;
namespace json = boost::json;
using http::field;
using http::status;
using http::verb;

namespace {

struct fixture {
  fixture() {
    orders.links["london"] = {{"name", "london"}, {"password", "******"}};
    link::link_status london;
    london.name = "london";
    london.state = link::link_state::up;
    london.reason = "connected <script>";
    deployment.links.push_back(london);
    deployment.deployment = "paris";
  }

  http_request request(verb method, std::string_view target, std::string_view body = {}) {
    http_request out(method, target, 11);
    out.set(field::host, "localhost");
    if (!body.empty()) {
      out.set(field::content_type, "application/json");
      out.body() = body;
    }
    return out;
  }
  http_response send(const http_request& what) {
    return std::get<http_response>(service.handle(what, {"127.0.0.1", false}));
  }
  http_response send(verb method, std::string_view target, std::string_view body = {}) {
    return send(request(method, target, body));
  }
  json::value get(std::string_view target) {
    const auto response = send(verb::get, target);
    CAPTURE(response.body());
    CHECK(response.result() == status::ok);
    CHECK(response[field::content_type] == "application/json");
    return json::parse(response.body());
  }

  link::deployment_status deployment;
  test::manual_clock clock;
  test::recording_logger log;
  test::fake_control orders;
  admin::service service{{{scheme::http, "127.0.0.1", 8871}, ""},
                         {[this] { return deployment; },
                          [] {
                            return admin::process_status{"1.2.3", true, {}, {}};
                          },
                          [] {
                            return admin::ready_state{true, ""};
                          }},
                         orders,
                         clock,
                         log};
};

std::string code_of(const http_response& response) {
  const auto error = json::parse(response.body()).at("error");
  CHECK(!error.at("message").as_string().empty());
  return std::string(error.at("code").as_string());
}

using strings = std::vector<std::string>;

}  // namespace

TEST_CASE("api: status and links say what there is", "[admin]") {
  fixture f;
  const auto status = f.get("/api/v1/status");
  CHECK(status.at("deployment") == "paris");
  CHECK(status.at("links").at(0).at("status").at("state") == "up");
  CHECK(status.at("links").at(0).at("figures").at("rates").is_null());
  CHECK(f.get("/api/v1/links").at("links").at(0).at("name") == "london");
  const auto response = f.send(verb::get, "/api/v1/links/london");
  CHECK(response[field::etag] == "\"london-1\"");
  const auto link = json::parse(response.body());
  CHECK(link.at("password") == "******");
  CHECK(link.at("status").at("reason") == "connected <script>");
  CHECK(code_of(f.send(verb::get, "/api/v1/links/rome")) == "not_found");
}

TEST_CASE("api: a link is created once, and its address is told", "[admin]") {
  fixture f;
  link::link_status rome;
  rome.name = "rome";
  f.deployment.links.push_back(rome);
  const auto response =
      f.send(verb::post, "/api/v1/links", R"({"name": "rome", "status": {"state": "up"}})");
  CHECK(response.result() == status::created);
  CHECK(response[field::location] == "/api/v1/links/rome");
  CHECK(response[field::etag] == "\"rome-1\"");
  CHECK(f.orders.links["rome"] == json::object{{"name", "rome"}});
  CHECK(f.orders.orders == strings{"create rome"});
  CHECK(code_of(f.send(verb::post, "/api/v1/links", R"({"topics": []})")) == "invalid");
  CHECK(code_of(f.send(verb::post, "/api/v1/links", R"({"name": 7})")) == "invalid");
  CHECK(f.orders.orders.size() == 1);
}

TEST_CASE("api: a lost update is refused, by whatever it would be made", "[admin]") {
  fixture f;
  const auto send_with = [&](verb method, std::string_view target, std::string_view if_match) {
    auto request = f.request(method, target, method == verb::put ? "{}" : "");
    request.set(field::if_match, if_match);
    return f.send(request).result();
  };
  for (const auto& [method, target] : {std::pair(verb::put, "/api/v1/links/london"),
                                       {verb::delete_, "/api/v1/links/london"},
                                       {verb::post, "/api/v1/links/london/enable"},
                                       {verb::post, "/api/v1/links/london/disable"}}) {
    CAPTURE(target);
    for (const char* stale :
         {"\"london-2\"", "london-1", "W/\"london-1\"", "\"london-1", "", "\"x\", \"y\""}) {
      CHECK(send_with(method, target, stale) == status::precondition_failed);
    }
  }
  CHECK(f.orders.orders.empty());
  CHECK(send_with(verb::put, "/api/v1/links/rome", "*") == status::not_found);
  CHECK(send_with(verb::put, "/api/v1/links/london", "\"x\" , \"london-1\"") == status::ok);
  CHECK(send_with(verb::post, "/api/v1/links/london/enable", "*") == status::ok);
  CHECK(send_with(verb::delete_, "/api/v1/links/london", "\"london-1\"") == status::no_content);
  CHECK(f.orders.orders == strings{"replace london", "enable london", "remove london"});
}

TEST_CASE("api: every order reaches the daemon, and is in the log with who gave it", "[admin]") {
  fixture f;
  for (const char* order : {"enable", "disable", "pause", "resume"}) {
    const auto response = f.send(verb::post, "/api/v1/links/london/" + std::string(order));
    CHECK(response.result() == status::ok);
    CHECK(json::parse(response.body()).at("status").at("state") == "up");
  }
  CHECK(json::parse(f.send(verb::post, "/api/v1/links/london/purge").body()) ==
        json::value({{"link", "london"}, {"purged_messages", 12}}));
  CHECK(json::parse(f.send(verb::post, "/api/v1/reload").body()).at("needs_restart").at(0) ==
        "listen");
  CHECK(f.orders.orders == strings{"enable london", "disable london", "pause london",
                                   "resume london", "purge london", "reload"});
  REQUIRE(f.log.lines.size() == 6);
  CHECK(f.log.lines[2] == "admin_order POST /api/v1/links/london/pause from 127.0.0.1");
  for (const char* order : {"enable", "pause", "resume", "purge", "test", "interest"}) {
    CHECK(f.send(std::string(order) == "interest" ? verb::get : verb::post,
                 "/api/v1/links/rome/" + std::string(order))
              .result() == status::not_found);
  }
  CHECK(f.log.lines.size() == 6);
}

TEST_CASE("api: what the daemon answers no to has a code and says where", "[admin]") {
  fixture f;
  f.orders.fails =
      admin::failure{errc::invalid,
                     "topics[0]: bad",
                     {{"f", 3, 1, "topics[0]", "bad"}, {"f", 4, 1, "queue.sync", "worse"}}};
  const auto response = f.send(verb::put, "/api/v1/links/london", "{}");
  CHECK(response.result() == status::unprocessable_entity);
  CHECK(json::parse(response.body()) == json::parse(R"({"error": {"code": "invalid",
    "message": "topics[0]: bad", "field": "topics[0]",
    "problems": [{"field": "topics[0]", "message": "bad"},
                 {"field": "queue.sync", "message": "worse"}]}})"));
  const auto code_for = [&](errc code) {
    f.orders.fails = admin::failure{code, "why", {}};
    return code_of(f.send(verb::put, "/api/v1/links/london", "{}"));
  };
  CHECK(code_for(errc::exists) == "exists");
  CHECK(code_for(errc::io) == "not_written");
  CHECK(code_for(errc::permission) == "not_written");
}

TEST_CASE("api: a body is a JSON object and says so, or it is refused unread", "[admin]") {
  fixture f;
  const auto error_of = [&](std::string_view body) {
    const auto response = f.send(verb::put, "/api/v1/links/london", body);
    CHECK(response.result() == status::bad_request);
    return json::parse(response.body()).at("error");
  };
  CHECK(error_of("{\"name\":\n\n  x}").at("line") == 3);
  for (const char* body :
       {"[]", "null", "7", "\"x\"", "{", "{} {}", "{\"a\": 1,}", "{\"a\": \"\xff\"}"}) {
    CHECK(error_of(body).at("code") == "invalid_json");
  }
  CHECK(error_of(std::string(1000, '[')).at("code") == "invalid_json");
  auto request = f.request(verb::put, "/api/v1/links/london", "{}");
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded",
                           "multipart/form-data", "application/jsonx", "text/json"}) {
    request.set(field::content_type, type);
    CHECK(f.send(request).result() == status::unsupported_media_type);
  }
  request.set(field::content_type, "application/JSON ; charset=utf-8");
  CHECK(f.send(request).result() == status::ok);
  auto form = f.request(verb::post, "/api/v1/links/london/pause");
  form.set(field::content_type, "text/plain");
  CHECK(f.send(form).result() == status::unsupported_media_type);
}

TEST_CASE("api: another web site gives no orders, by Origin or by a rebound name", "[admin]") {
  fixture f;
  auto request = f.request(verb::post, "/api/v1/links/london/pause");
  request.set(field::origin, "http://evil.example");
  CHECK(f.send(request).result() == status::forbidden);
  request.set(field::origin, "http://localhost");
  request.set("Sec-Fetch-Site", "cross-site");
  CHECK(f.send(request).result() == status::forbidden);
  request.set("Sec-Fetch-Site", "same-origin");
  request.set(field::host, "evil.example");
  CHECK(f.send(request).result() == status::misdirected_request);
  CHECK(f.orders.orders.empty());
}

TEST_CASE("api: names that are no links' reach no file, whatever is in them", "[admin]") {
  fixture f;
  for (const char* target :
       {"/api/v1/links/..", "/api/v1/links/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/api/v1/links/.",
        "/api/v1/links/london%00", "/api/v1/links/<script>", "/api/v1/links/a%0ab"}) {
    CAPTURE(target);
    const auto response = f.send(verb::get, target);
    CHECK(response.result() == status::not_found);
    CHECK(response[field::content_type] == "application/json");
    CHECK(response["X-Content-Type-Options"] == "nosniff");
  }
  CHECK(f.send(verb::get, "/api/v1/links/../../../etc/passwd").result() == status::not_found);
}

TEST_CASE("api: interest is cut at its limit, and says so", "[admin]") {
  fixture f;
  const auto all = f.get("/api/v1/links/london/interest");
  CHECK(all == json::parse(R"({"link": "london",
    "in": {"count": 3, "filters": ["a", "b", "c"], "truncated": false, "effective": ["b"]},
    "out": {"count": 1, "filters": ["d"], "truncated": false}})"));
  const auto cut = f.get("/api/v1/links/london/interest?x=1&limit=2");
  CHECK(cut.at("in").at("filters").as_array().size() == 2);
  CHECK(cut.at("in").at("truncated") == true);
  for (const char* limit : {"0", "-1", "10001", "x", "", "1x", "99999999999999999999"}) {
    CAPTURE(limit);
    const auto response =
        f.send(verb::get, "/api/v1/links/london/interest?limit=" + std::string(limit));
    CHECK(code_of(response) == "bad_request");
  }
}

TEST_CASE("api: explain takes the topic as every query is encoded", "[admin]") {
  fixture f;
  CHECK(f.get("/api/v1/explain?topic=a%2Fb+c%c3%BC").at("topic") == "a/b cü");
  CHECK(code_of(f.send(verb::get, "/api/v1/explain")) == "bad_request");
  CHECK(code_of(f.send(verb::get, "/api/v1/explain?topic=%zz")) == "bad_request");
  CHECK(code_of(f.send(verb::get, "/api/v1/explain?topic=%23")) == "bad_request");
  CHECK(f.orders.orders == strings{"explain a/b cü", "explain #"});
}

TEST_CASE("api: a test answers when it is over, in the form of its request", "[admin]") {
  fixture f;
  auto answer =
      f.service.handle(f.request(verb::post, "/api/v1/links/london/test"), {"127.0.0.1", false});
  std::optional<http_response> response;
  std::get<admin::later_response>(answer).start([&](http_response there) { response = there; });
  CHECK_FALSE(response);
  auto second =
      f.service.handle(f.request(verb::post, "/api/v1/links/london/test"), {"127.0.0.1", false});
  std::optional<http_response> refused;
  std::get<admin::later_response>(second).start([&](http_response there) { refused = there; });
  REQUIRE(refused);
  CHECK(code_of(*refused) == "busy");
  f.orders.tested({true, "reached", {{"mqtt://h:1", true, "fine"}}});
  REQUIRE(response);
  CHECK(response->keep_alive());
  CHECK(json::parse(response->body()) == json::parse(R"({"link": "london", "ok": true,
    "message": "reached", "servers": [{"server": "mqtt://h:1", "ok": true, "message": "fine"}]})"));
}

TEST_CASE("api: events are the status, and HEAD has none of them", "[admin]") {
  fixture f;
  const auto answer = f.service.handle(f.request(verb::get, "/api/v1/events"), {"x", false});
  const auto& stream = std::get<admin::event_stream>(answer);
  CHECK(stream.event == "status");
  CHECK(stream.data().value() == json::serialize(f.get("/api/v1/status")));
  CHECK(f.send(verb::head, "/api/v1/events").result() == status::method_not_allowed);
  CHECK(f.send(verb::post, "/api/v1/events").result() == status::method_not_allowed);
}

TEST_CASE("api: the console is served from the program, and nothing beside it", "[admin]") {
  fixture f;
  bool has_index = false;
  for (const auto& file : admin::console_files()) {
    const auto response = f.send(verb::get, "/" + std::string(file.name));
    CHECK(response.result() == status::ok);
    CHECK(response.body() == file.content);
    has_index = has_index || file.name == "index.html";
  }
  CHECK(has_index);
  const auto response = f.send(verb::get, "/");
  CHECK(response[field::content_type] == "text/html; charset=utf-8");
  CHECK(response["Content-Security-Policy"].starts_with("default-src 'self'"));
  CHECK(response["X-Content-Type-Options"] == "nosniff");
  for (const char* target : {"/console/index.html", "/../index.html", "/index.html/", "/.git"}) {
    CHECK(f.send(verb::get, target).result() == status::not_found);
  }
}

TEST_CASE("api: a time is RFC 3339 in UTC", "[admin]") {
  CHECK(admin::time_text(stamp(milliseconds(0))) == "1970-01-01T00:00:00.000Z");
  CHECK(admin::time_text(stamp(milliseconds(1'709'210'096'007))) == "2024-02-29T12:34:56.007Z");
}

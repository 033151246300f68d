#include "admin/api.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "admin/assets.hpp"
#include "admin/json.hpp"
#include "admin/request_body.hpp"

namespace linkd::admin {
namespace {

namespace json = boost::json;
using http::status;
using http::verb;

constexpr std::size_t filters_default = 1000;
constexpr std::size_t filters_max = 10'000;

http_response not_found(const std::string& link) {
  return error_response(status::not_found, "not_found", "there is no link named " + link);
}

http_response response_to(const failure& why) {
  switch (why.code) {
    case errc::not_found:
      return error_response(status::not_found, "not_found", why.message);
    case errc::exists:
      return error_response(status::conflict, "exists", why.message);
    case errc::unavailable:
      return error_response(status::conflict, "busy", why.message);
    case errc::invalid:
      break;
    default:
      return error_response(status::internal_server_error, "not_written", why.message);
  }
  json::array problems;
  for (const problem& each : why.problems) {
    problems.push_back(json::object{{"field", each.field}, {"message", each.message}});
  }
  const std::string field = why.problems.empty() ? "" : why.problems.front().field;
  return json_response(status::unprocessable_entity, {{"error",
                                                       {{"code", "invalid"},
                                                        {"message", why.message},
                                                        {"field", field},
                                                        {"problems", std::move(problems)}}}});
}

http_response response_to(const error& why) {
  return response_to(failure{why.code, why.text, {}});
}

// Whether one of the entity tags in an If-Match is `etag` (RFC 9110, section 13.1.1).
bool matches(std::string_view if_match, const std::string& etag) {
  while (!if_match.empty()) {
    const auto end = std::min(if_match.find(','), if_match.size());
    auto tag = if_match.substr(0, end);
    tag.remove_prefix(std::min(tag.find_first_not_of(' '), tag.size()));
    tag = tag.substr(0, tag.find_last_not_of(' ') + 1);
    if (tag == "*" || (!tag.empty() && tag == etag)) return true;
    if_match.remove_prefix(std::min(end + 1, if_match.size()));
  }
  return false;
}

const link::link_status* find(const link::deployment_status& deployment, const std::string& link) {
  const auto found = std::ranges::find(deployment.links, link, &link::link_status::name);
  return found == deployment.links.end() ? nullptr : &*found;
}

}  // namespace

void api::add_routes(router& to) {
  const std::string root = "/api/v1/";
  const auto add = [&](verb method, const char* path, auto handle) {
    to.add(method, root + path, [this, handle](const http_request& request, const captures& at) {
      return handle(*this, request, at.empty() ? std::string() : at.front());
    });
  };
  using request = http_request;
  using text = std::string;
  add(verb::get, "openapi.json", [](api&, const request&, const text&) -> http_answer {
    return text_response(status::ok, "application/json", std::string(openapi_document()));
  });
  add(verb::get, "status", [](api& self, const request&, const text&) -> http_answer {
    return text_response(status::ok, "application/json", self.status_text());
  });
  add(verb::get, "events", [](api& self, const request& what, const text&) -> http_answer {
    if (what.method() == verb::head) {
      return error_response(status::method_not_allowed, "method_not_allowed",
                            "events have no HEAD");
    }
    return event_stream{"status", [&self] { return self.status_text(); }};
  });
  add(verb::get, "links", [](api& self, const request&, const text&) { return self.links(); });
  add(verb::post, "links",
      [](api& self, const request& what, const text&) { return self.create(what); });
  add(verb::get, "links/{}",
      [](api& self, const request&, const text& link) { return self.show(link); });
  add(verb::put, "links/{}",
      [](api& self, const request& what, const text& link) { return self.replace(what, link); });
  add(verb::delete_, "links/{}",
      [](api& self, const request& what, const text& link) { return self.remove(what, link); });
  add(verb::post, "links/{}/enable", [](api& self, const request& what, const text& link) {
    return self.enable(what, link, true);
  });
  add(verb::post, "links/{}/disable", [](api& self, const request& what, const text& link) {
    return self.enable(what, link, false);
  });
  add(verb::post, "links/{}/pause", [](api& self, const request&, const text& link) {
    return self.after(self.orders_.pause(link), link);
  });
  add(verb::post, "links/{}/resume", [](api& self, const request&, const text& link) {
    return self.after(self.orders_.resume(link), link);
  });
  add(verb::post, "links/{}/purge",
      [](api& self, const request&, const text& link) { return self.purge(link); });
  add(verb::post, "links/{}/test",
      [](api& self, const request&, const text& link) { return self.test(link); });
  add(verb::get, "links/{}/interest",
      [](api& self, const request& what, const text& link) { return self.interest(what, link); });
  add(verb::get, "links/{}/metrics",
      [](api& self, const request&, const text& link) { return self.metrics(link); });
  add(verb::get, "explain",
      [](api& self, const request& what, const text&) { return self.explain(what); });
  add(verb::post, "reload", [](api& self, const request&, const text&) -> http_answer {
    return json_response(status::ok, reload_json(self.orders_.reload()));
  });
}

std::string api::status_text() const {
  return json::serialize(
      status_json(from_.deployment(), from_.process(), past_, clock_.unix_time()));
}

// --- links
// --------------------------------------------------------------------------------------------

std::optional<json::object> api::link_json(const std::string& link) const {
  auto settings = orders_.settings(link);
  const auto deployment = from_.deployment();
  const auto* running = find(deployment, link);
  if (!settings || !running) return std::nullopt;
  (*settings)["status"] = state_json(*running);
  return settings;
}

http_answer api::links() const {
  json::array all;
  for (const auto& each : from_.deployment().links) {
    if (auto link = link_json(each.name)) all.push_back(std::move(*link));
  }
  return json_response(status::ok, {{"links", std::move(all)}});
}

http_answer api::show(const std::string& link, http::status status) const {
  const auto shown = link_json(link);
  if (!shown) return not_found(link);
  auto response = json_response(status, *shown);
  if (const auto etag = orders_.etag(link); !etag.empty()) response.set(http::field::etag, etag);
  return response;
}

http_answer api::create(const http_request& request) {
  auto body = json_body(request);
  if (auto* refusal = std::get_if<http_response>(&body)) return std::move(*refusal);
  auto& settings = std::get<json::object>(body);
  settings.erase("status");
  const json::value* const name = settings.if_contains("name");
  if (!name || !name->is_string()) {
    return response_to(
        failure{errc::invalid, "name: is required", {{"", 0, 0, "name", "is required"}}});
  }
  const std::string link(name->get_string());
  const auto order = orders_.create(link, settings);
  if (const auto* why = std::get_if<failure>(&order)) return response_to(*why);
  auto answer = show(link, http::status::created);
  if (auto* response = std::get_if<http_response>(&answer)) {
    response->set(http::field::location, "/api/v1/links/" + link);
  }
  return answer;
}

http_answer api::replace(const http_request& request, const std::string& link) {
  auto body = json_body(request);
  if (auto* refusal = std::get_if<http_response>(&body)) return std::move(*refusal);
  if (auto stale = refuse_stale(request, link)) return std::move(*stale);
  auto& settings = std::get<json::object>(body);
  settings.erase("status");
  if (!settings.contains("name")) settings["name"] = link;
  return after(orders_.replace(link, settings), link);
}

http_answer api::enable(const http_request& request, const std::string& link, bool enabled) {
  if (auto stale = refuse_stale(request, link)) return std::move(*stale);
  return after(orders_.enable(link, enabled), link);
}

http_answer api::remove(const http_request& request, const std::string& link) {
  if (auto stale = refuse_stale(request, link)) return std::move(*stale);
  const auto order = orders_.remove(link);
  if (const auto* why = std::get_if<failure>(&order)) return response_to(*why);
  auto response = text_response(status::no_content, "application/json", "");
  response.erase(http::field::content_type);
  response.erase(http::field::content_length);
  return response;
}

std::optional<http_response> api::refuse_stale(const http_request& request,
                                               const std::string& link) const {
  const auto if_match = request.find(http::field::if_match);
  if (if_match == request.end()) return std::nullopt;
  const std::string etag = orders_.etag(link);
  if (etag.empty()) return not_found(link);
  if (matches(if_match->value(), etag)) return std::nullopt;
  return error_response(status::precondition_failed, "precondition_failed",
                        "somebody changed the link meanwhile: read it again");
}

http_answer api::after(const outcome<done>& order, const std::string& link,
                       http::status status) const {
  if (const auto* why = std::get_if<failure>(&order)) return response_to(*why);
  return show(link, status);
}

http_answer api::after(const result<void>& order, const std::string& link) const {
  if (!order) return response_to(order.error());
  return show(link);
}

http_answer api::purge(const std::string& link) {
  const auto purged = orders_.purge(link);
  if (!purged) return response_to(purged.error());
  return json_response(status::ok, {{"link", link}, {"purged_messages", *purged}});
}

http_answer api::test(const std::string& link) {
  if (!orders_.settings(link)) return not_found(link);
  return later_response{[this, link](const std::function<void(http_response)>& reply) {
    const auto begun = orders_.test(link, [link, reply](const link::reach_report& report) {
      reply(json_response(status::ok, test_json(link, report)));
    });
    if (!begun) reply(response_to(begun.error()));
  }};
}

// --- what a person asks
// -------------------------------------------------------------------------------

http_answer api::interest(const http_request& request, const std::string& link) const {
  const auto interest = orders_.interest(link);
  if (!interest) return response_to(interest.error());
  std::size_t limit = filters_default;
  if (const auto given = query_value(request, "limit")) {
    const char* const end = given->data() + given->size();
    const auto [parsed, failed] = std::from_chars(given->data(), end, limit);
    if (failed != std::errc{} || parsed != end || limit < 1 || limit > filters_max) {
      return error_response(status::bad_request, "bad_request", "limit must be from 1 to 10000");
    }
  }
  return json_response(status::ok, interest_json(link, *interest, limit));
}

http_answer api::metrics(const std::string& link) const {
  const auto deployment = from_.deployment();
  const auto* running = find(deployment, link);
  if (!running) return not_found(link);
  return json_response(status::ok, metrics_json(*running, past_));
}

http_answer api::explain(const http_request& request) const {
  const auto topic = query_value(request, "topic");
  if (!topic) {
    return error_response(status::bad_request, "bad_request",
                          "say which topic: /api/v1/explain?topic=orders%2F7");
  }
  const auto explanation = orders_.explain(*topic);
  if (!explanation) {
    return error_response(status::bad_request, "bad_request",
                          "that is no topic name: " + explanation.error().text);
  }
  return json_response(status::ok, explanation_json(*explanation));
}

}  // namespace linkd::admin

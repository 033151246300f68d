#include "admin/json.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace linkd::admin {
namespace {

namespace json = boost::json;

double as_seconds(auto time) {
  return std::chrono::duration<double>(time).count();
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::value number_or_null(const std::optional<double>& number) {
  return number ? json::value(*number) : json::value(nullptr);
}

json::object problem_json(const problem& found) {
  return {{"file", found.file},
          {"line", found.line},
          {"column", found.column},
          {"field", found.field},
          {"message", found.message}};
}

json::array problems_json(const std::vector<problem>& problems) {
  json::array out;
  for (const problem& each : problems) out.push_back(problem_json(each));
  return out;
}

json::array texts_json(const std::vector<std::string>& texts, std::size_t count_max = SIZE_MAX) {
  json::array out;
  for (std::size_t i = 0; i < std::min(texts.size(), count_max); ++i) out.emplace_back(texts[i]);
  return out;
}

std::string_view source_text(interest_source source) {
  switch (source) {
    case interest_source::fixed:
      return "static";
    case interest_source::mosquitto:
      return "mosquitto";
    case interest_source::rabbitmq:
      return "rabbitmq";
    case interest_source::emqx:
      return "emqx";
    case interest_source::nanomq:
      return "nanomq";
  }
  return "";
}

json::object queue_json(const link::link_status& link) {
  return {{"messages", link.queue_messages},
          {"bytes", link.queue_bytes},
          {"limit_bytes", link.queue_limit_bytes},
          {"oldest", link.queue_oldest ? json::value(time_text(*link.queue_oldest)) : nullptr}};
}

json::object dropped_json(const link::link_counters& counters) {
  json::object out;
  for (const auto reason : link::all_drop_reasons) {
    out[to_string(reason)] = counters.dropped[static_cast<std::size_t>(reason)];
  }
  return out;
}

std::optional<double> mean(const histogram& values) {
  if (values.count() == 0) return std::nullopt;
  return values.sum_s() / static_cast<double>(values.count());
}

}  // namespace

std::string time_text(stamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[64];
  std::snprintf(
      text, sizeof(text), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

json::object state_json(const link::link_status& link) {
  return {
      {"state", to_string(link.state)}, {"reason", link.reason}, {"since", time_text(link.since)}};
}

json::object point_json(const history_point& point) {
  return {{"time", as_seconds(point.time.time_since_epoch())},
          {"captured_per_second", point.captured},
          {"queued_per_second", point.queued},
          {"messages_out_per_second", point.messages_out},
          {"messages_in_per_second", point.messages_in},
          {"bytes_out_per_second", point.bytes_out},
          {"bytes_in_per_second", point.bytes_in},
          {"dropped_per_second", point.dropped},
          {"queue_messages", point.queue_messages},
          {"queue_bytes", point.queue_bytes},
          {"latency_seconds", number_or_null(point.latency_s)}};
}

json::object figures_json(const link::link_status& link, const history& past) {
  const link::link_counters& counters = link.counters;
  const auto& points = past.of(link.name);
  return {
      {"connects", counters.connects},
      {"messages",
       {{"queued", counters.messages_queued},
        {"sent", counters.messages_sent},
        {"acked", counters.messages_acked},
        {"received", counters.messages_received},
        {"published", counters.messages_published}}},
      {"dropped", dropped_json(counters)},
      {"payload_bytes", {{"in", counters.payload_bytes_in}, {"out", counters.payload_bytes_out}}},
      {"wire_bytes", {{"in", counters.wire_bytes_in}, {"out", counters.wire_bytes_out}}},
      {"queue", queue_json(link)},
      {"inflight_bytes", link.inflight_bytes},
      {"interest",
       {{"in", {{"filters", link.interest_filters_in}, {"updates", counters.interest_updates_in}}},
        {"out",
         {{"filters", link.interest_filters_out}, {"updates", counters.interest_updates_out}}}}},
      {"latency_seconds", number_or_null(mean(counters.delivery_latency))},
      {"rtt_seconds",
       link.round_trip ? json::value(as_seconds(*link.round_trip)) : json::value(nullptr)},
      {"rates", points.empty() ? json::value(nullptr) : json::value(point_json(points.back()))}};
}

json::object status_json(const link::deployment_status& deployment, const process_status& process,
                         const history& past, stamp now) {
  json::array links;
  for (const link::link_status& each : deployment.links) {
    links.push_back(json::object{{"name", each.name},
                                 {"enable", each.state != link::link_state::disabled},
                                 {"status", state_json(each)},
                                 {"figures", figures_json(each, past)}});
  }
  return {{"deployment", deployment.deployment},
          {"version", process.version},
          {"time", time_text(now)},
          {"broker",
           {{"state", deployment.broker.up ? "up" : "down"},
            {"reason", deployment.broker.reason},
            {"since", time_text(deployment.broker.since)}}},
          {"interest",
           {{"source", source_text(deployment.interest.source)},
            {"complete", deployment.interest.complete},
            {"reason", deployment.interest.reason}}},
          {"configuration",
           {{"successful", process.config_last_reload_successful},
            {"loaded", time_text(process.config_last_reload)},
            {"problems", problems_json(process.problems)}}},
          {"messages_captured", deployment.messages_captured},
          {"links", std::move(links)}};
}

json::object metrics_json(const link::link_status& link, const history& past) {
  json::array points;
  for (const history_point& each : past.of(link.name)) points.push_back(point_json(each));
  return {{"link", link.name},
          {"figures", figures_json(link, past)},
          {"history",
           {{"interval_seconds", history::interval.count()}, {"points", std::move(points)}}}};
}

json::object interest_json(const std::string& link, const link::link_interest& interest,
                           std::size_t filters_max) {
  const auto side = [&](const std::vector<std::string>& filters) {
    return json::object{{"count", filters.size()},
                        {"filters", texts_json(filters, filters_max)},
                        {"truncated", filters.size() > filters_max}};
  };
  json::object in = side(interest.wanted);
  in["effective"] = texts_json(interest.effective, filters_max);
  return {{"link", link}, {"in", std::move(in)}, {"out", side(interest.announced)}};
}

json::object explanation_json(const link::explanation& explanation) {
  json::array links, incoming;
  for (const link::outgoing_fate& each : explanation.outgoing) {
    links.push_back(json::object{{"link", each.link},
                                 {"wanted", each.wanted},
                                 {"filter", text_or_null(each.filter)},
                                 {"allowed", each.allowed},
                                 {"allow_filter", text_or_null(each.allow_filter)},
                                 {"captured", each.captured},
                                 {"state", to_string(each.state)},
                                 {"queue_messages", each.queue_messages},
                                 {"verdict", each.verdict}});
  }
  for (const link::incoming_fate& each : explanation.incoming) {
    incoming.push_back(json::object{{"link", each.link},
                                    {"wanted", each.wanted},
                                    {"filter", text_or_null(each.filter)},
                                    {"state", to_string(each.state)},
                                    {"verdict", each.verdict}});
  }
  return {
      {"topic", explanation.topic}, {"links", std::move(links)}, {"incoming", std::move(incoming)}};
}

json::object test_json(const std::string& link, const link::reach_report& report) {
  json::array servers;
  for (const link::reached_server& each : report.servers) {
    servers.push_back(
        json::object{{"server", each.server}, {"ok", each.ok}, {"message", each.message}});
  }
  return {{"link", link},
          {"ok", report.ok},
          {"message", report.message},
          {"servers", std::move(servers)}};
}

json::object reload_json(const reload_report& report) {
  return {{"successful", report.successful},
          {"links", report.links},
          {"problems", problems_json(report.problems)},
          {"warnings", problems_json(report.warnings)},
          {"needs_restart", texts_json(report.needs_restart)}};
}

}  // namespace linkd::admin

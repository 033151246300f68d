#include "ctl/render.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <ctime>

#include "ctl/table.hpp"

namespace linkd::ctl {
namespace {

namespace json = boost::json;

// What an older or newer daemon does not tell is shown as "-".
const json::value& at(const json::value& from, std::string_view path) {
  static const json::value none;
  const json::value* value = &from;
  while (!path.empty()) {
    const auto dot = std::min(path.find('.'), path.size());
    const json::object* const map = value->if_object();
    value = map ? map->if_contains(path.substr(0, dot)) : nullptr;
    if (!value) return none;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return *value;
}

const json::array& list(const json::value& from, std::string_view path) {
  static const json::array none;
  const json::array* const found = at(from, path).if_array();
  return found ? *found : none;
}

std::string text(const json::value& from, std::string_view path) {
  const json::value& value = at(from, path);
  if (value.is_null()) return "-";
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

double number(const json::value& from, std::string_view path) {
  boost::system::error_code none;
  const double value = at(from, path).to_number<double>(none);
  return none ? 0 : value;
}

bool flag(const json::value& from, std::string_view path) {
  const bool* const value = at(from, path).if_bool();
  return value && *value;
}

std::string seconds_or_dash(const json::value& from, std::string_view path) {
  return at(from, path).is_null() ? "-" : duration_text(number(from, path));
}

// How long ago the RFC 3339 time was, by the daemon's clock (`now`); "-" if there is none.
std::string age_text(const std::string& time, const std::string& now) {
  std::tm then{}, today{};
  if (!::strptime(time.c_str(), "%Y-%m-%dT%H:%M:%S", &then) ||
      !::strptime(now.c_str(), "%Y-%m-%dT%H:%M:%S", &today)) {
    return "-";
  }
  return duration_text(std::max(0.0, std::difftime(::timegm(&today), ::timegm(&then))));
}

colour colour_of(std::string_view state) {
  if (state == "up") return colour::good;
  if (state == "down" || state == "refused") return colour::bad;
  return state == "disabled" ? colour::dim : colour::warning;
}

std::string yes_no(bool value) {
  return value ? "yes" : "no";
}

std::string problems_text(const json::array& problems) {
  std::string out;
  for (const json::value& each : problems) {
    out += text(each, "file") + ":" + text(each, "line") + ":" + text(each, "column") + ": ";
    if (const auto field = text(each, "field"); !field.empty()) out += field + ": ";
    out += text(each, "message") + "\n";
  }
  return out;
}

std::string harmless_lines(const std::string& lines) {
  std::string out;
  for (std::size_t begin = 0; begin < lines.size();) {
    const auto end = std::min(lines.find('\n', begin), lines.size());
    out += harmless(std::string_view(lines).substr(begin, end - begin)) + '\n';
    begin = end + 1;
  }
  return out;
}

void add_rows(table& to, const std::string& prefix, const json::object& map) {
  for (const auto& [key, value] : map) {
    const std::string name = prefix + std::string(key);
    if (const json::object* const inner = value.if_object()) {
      add_rows(to, name + ".", *inner);
    } else if (const json::array* const items = value.if_array()) {
      std::string all;
      for (const json::value& each : *items) all += (all.empty() ? "" : ", ") + text(each, "");
      to.add({{name}, {all.empty() ? "-" : all}});
    } else {
      const std::string shown = text(value, "");
      to.add({{name}, {shown.empty() ? "-" : shown}});
    }
  }
}

}  // namespace

std::string links_text(const json::value& status, const screen& on) {
  table links({"LINK", "STATE", "FOR", "IN/S", "OUT/S", "QUEUED", "OLDEST", "LATENCY", "REASON"});
  const std::string now = text(status, "time");
  for (const json::value& each : list(status, "links")) {
    const std::string state = text(each, "status.state");
    links.add({{text(each, "name")},
               {state, colour_of(state)},
               {age_text(text(each, "status.since"), now), {}, true},
               {number_text(number(each, "figures.rates.messages_in_per_second")), {}, true},
               {number_text(number(each, "figures.rates.messages_out_per_second")), {}, true},
               {text(each, "figures.queue.messages"), {}, true},
               {age_text(text(each, "figures.queue.oldest"), now), {}, true},
               {seconds_or_dash(each, "figures.rates.latency_seconds"), {}, true},
               {text(each, "status.reason")}});
  }
  if (list(status, "links").empty()) return "no links; create one: mqtt-linkctl add --help\n";
  return links.text(on);
}

std::string status_text(const json::value& status, const screen& on) {
  table head({});
  const std::string broker = text(status, "broker.state");
  head.add(
      {{"deployment"}, {text(status, "deployment") + ", mqtt-linkd " + text(status, "version")}});
  head.add({{"broker"}, {broker + ": " + text(status, "broker.reason"), colour_of(broker)}});
  head.add({{"interest"},
            {text(status, "interest.source") + ": " + text(status, "interest.reason"),
             flag(status, "interest.complete") ? colour::none : colour::warning}});
  const bool sound = flag(status, "configuration.successful");
  head.add({{"configuration"},
            {sound ? "in force since " + text(status, "configuration.loaded")
                   : "has errors; what they concern stays as it was",
             sound ? colour::none : colour::bad}});
  head.add({{"captured"}, {text(status, "messages_captured") + " messages"}});
  return head.text(on) + harmless_lines(problems_text(list(status, "configuration.problems"))) +
         '\n' + links_text(status, on);
}

std::string link_text(const json::value& link, const screen& on) {
  table rows({});
  const std::string state = text(link, "status.state");
  rows.add({{"state"}, {state + ": " + text(link, "status.reason"), colour_of(state)}});
  rows.add({{"since"}, {text(link, "status.since")}});
  if (const json::object* const keys = link.if_object()) {
    json::object settings = *keys;
    settings.erase("status");
    add_rows(rows, "", settings);
  }
  return rows.text(on);
}

std::string state_text(const json::value& link) {
  return harmless(text(link, "status.state") + ": " + text(link, "status.reason")) + '\n';
}

std::string queue_text(const json::value& metrics, const screen& on) {
  table rows({});
  const auto count = [&](const char* name, const char* path) {
    rows.add({{name}, {text(metrics, path)}});
  };
  count("messages", "figures.queue.messages");
  rows.add({{"size"},
            {bytes_text(number(metrics, "figures.queue.bytes")) + " of " +
             bytes_text(number(metrics, "figures.queue.limit_bytes"))}});
  count("oldest", "figures.queue.oldest");
  rows.add({{"in flight"}, {bytes_text(number(metrics, "figures.inflight_bytes"))}});
  rows.add({{"latency"}, {seconds_or_dash(metrics, "figures.latency_seconds")}});
  count("queued in all", "figures.messages.queued");
  count("acknowledged", "figures.messages.acked");
  if (const json::object* const dropped = at(metrics, "figures.dropped").if_object()) {
    for (const auto& [reason, value] : *dropped) {
      rows.add({{"dropped: " + std::string(reason)}, {text(value, "")}});
    }
  }
  return rows.text(on);
}

std::string interest_text(const json::value& interest) {
  const std::string link = text(interest, "link");
  std::string out;
  const auto section = [&](const std::string& title, const std::string& path, bool cut) {
    out += title + "\n";
    for (const json::value& each : list(interest, path)) out += "  " + text(each, "") + "\n";
    if (list(interest, path).empty()) out += "  (nothing)\n";
    if (cut) out += "  ... (more: --limit)\n";
  };
  section(link + " asks us for " + text(interest, "in.count") + ":", "in.filters",
          flag(interest, "in.truncated"));
  section("of which allow permits:", "in.effective", flag(interest, "in.truncated"));
  section("we ask " + link + " for " + text(interest, "out.count") + ":", "out.filters",
          flag(interest, "out.truncated"));
  return harmless_lines(out);
}

std::string explanation_text(const json::value& explanation, const screen& on) {
  table out({"TO", "WANTED BY", "ALLOWED BY", "CAPTURED", "STATE", "BEFORE IT", "VERDICT"});
  for (const json::value& each : list(explanation, "links")) {
    const std::string state = text(each, "state");
    const bool goes = flag(each, "wanted") && flag(each, "allowed") && flag(each, "captured");
    out.add({{text(each, "link")},
             {text(each, "filter")},
             {text(each, "allow_filter")},
             {yes_no(flag(each, "captured"))},
             {state, colour_of(state)},
             {goes ? text(each, "queue_messages") : "-", {}, true},
             {text(each, "verdict")}});
  }
  table in({"FROM", "WANTED BY", "STATE", "VERDICT"});
  for (const json::value& each : list(explanation, "incoming")) {
    const std::string state = text(each, "state");
    in.add({{text(each, "link")},
            {text(each, "filter")},
            {state, colour_of(state)},
            {text(each, "verdict")}});
  }
  return "published here:\n" + out.text(on) + "\npublished at the peer:\n" + in.text(on);
}

std::string test_text(const json::value& report, const screen& on) {
  table rows({});
  for (const json::value& each : list(report, "servers")) {
    const bool ok = flag(each, "ok");
    rows.add({{text(each, "server")},
              {ok ? "ok" : "failed", ok ? colour::good : colour::bad},
              {text(each, "message")}});
  }
  return rows.text(on) + harmless(text(report, "message")) + '\n';
}

std::string reload_text(const json::value& report, const screen& on) {
  table rows({});
  const bool ok = flag(report, "successful");
  rows.add({{ok ? "the configuration is in force: " + text(report, "links") + " links"
                : "what has errors stays as it was",
             ok ? colour::good : colour::bad}});
  for (const json::value& each : list(report, "needs_restart")) {
    rows.add(
        {{"a change of " + text(each, "") + " takes effect at the next start", colour::warning}});
  }
  return rows.text(on) + harmless_lines(problems_text(list(report, "problems")) +
                                        problems_text(list(report, "warnings")));
}

std::string error_text(const json::value& answer) {
  const auto& problems = list(answer, "error.problems");
  if (problems.empty()) return harmless(text(answer, "error.message"));
  std::string out;
  for (const json::value& each : problems) {
    const std::string field = text(each, "field");
    if (!out.empty()) out += "\n";
    out += harmless((field.empty() ? "" : field + ": ") + text(each, "message"));
  }
  return out;
}

}  // namespace linkd::ctl

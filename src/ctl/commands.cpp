#include "ctl/commands.hpp"

#include <sysexits.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <istream>
#include <ostream>

#include "ctl/client.hpp"
#include "ctl/completion.hpp"
#include "ctl/render.hpp"
#include "ctl/watch.hpp"

namespace linkd::ctl {
namespace {

namespace json = boost::json;

constexpr int refused = 1;             // the daemon said no
constexpr seconds test_time_max{300};  // 15 s a server

int fail(const terminal& with, const std::string& text, int exit_code) {
  with.err << "mqtt-linkctl: " << text << '\n';
  return exit_code;
}

int fail(const terminal& with, const error& why) {
  const int code = why.code == errc::unavailable  ? EX_UNAVAILABLE
                   : why.code == errc::permission ? EX_NOPERM
                                                  : EX_USAGE;
  return fail(with, why.text, code);
}

// Shows what came, or the error in it.
template <class Render>
int show(const options& chosen, const terminal& with, const result<api_answer>& answer,
         Render&& render) {
  if (!answer) return fail(with, answer.error());
  const bool ok = answer->status < 300;
  if (chosen.json && !answer->text.empty()) with.out << answer->text << '\n';
  if (answer->status == 401) {
    return fail(with,
                "the daemon wants its token: name the file of admin.token_file with "
                "--token-file",
                EX_NOPERM);
  }
  if (!ok && answer->body.is_null()) {
    return fail(with,
                "that is no mqtt-linkd: its answer has status " + std::to_string(answer->status) +
                    " and no error",
                EX_UNAVAILABLE);
  }
  if (!ok) return fail(with, error_text(answer->body), refused);
  if (!chosen.json) with.out << render(answer->body);
  return EX_OK;
}

bool is_true(const result<api_answer>& answer, std::string_view key) {
  if (!answer || !answer->body.is_object()) return false;
  const json::value* const found = answer->body.get_object().if_contains(key);
  return found && found->is_bool() && found->get_bool();
}

// The value of KEY=VALUE: JSON where it is, text elsewhere.
json::value value_of(const std::string& text) {
  boost::system::error_code no_json;
  json::value parsed = json::parse(text, no_json);
  return no_json ? json::value(text) : parsed;
}

void set(json::object& link, std::string_view key, json::value value) {
  const auto dot = key.find('.');
  if (dot == std::string_view::npos) {
    link[key] = std::move(value);
    return;
  }
  json::value& inner = link[key.substr(0, dot)];
  if (!inner.is_object()) inner.emplace_object();
  set(inner.get_object(), key.substr(dot + 1), std::move(value));
}

json::array array_of(const std::vector<std::string>& texts) {
  json::array out;
  for (const auto& each : texts) out.emplace_back(each);
  return out;
}

int add(const options& chosen, const terminal& with, const client& api) {
  const new_link& what = chosen.added;
  json::object link{{"name", chosen.link}, {"enable", !what.disabled}};
  if (!what.servers.empty()) link["server"] = array_of(what.servers);
  if (!what.topics.empty()) link["topics"] = array_of(what.topics);
  if (!what.allow.empty()) link["allow"] = array_of(what.allow);
  if (!what.username.empty()) link["username"] = what.username;
  if (!what.password_file.empty()) link["password_file"] = what.password_file;
  for (const std::string& each : what.settings) {
    const auto equals = each.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(with, "--set needs KEY=VALUE, not " + each, EX_USAGE);
    }
    set(link, std::string_view(each).substr(0, equals), value_of(each.substr(equals + 1)));
  }
  return show(chosen, with, api.post("links", link),
              [&](const json::value& made) { return link_text(made, with.screen); });
}

bool confirmed(const options& chosen, const terminal& with, const std::string& question) {
  if (chosen.yes) return true;
  if (!with.in_is_terminal) return false;
  with.err << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(with.in, answer);
  return answer == "y" || answer == "yes";
}

int with_consent(const options& chosen, const terminal& with, const client& api) {
  const bool removes = chosen.command == "remove";
  if (!confirmed(chosen, with,
                 removes ? "Remove the link " + chosen.link + "?"
                         : "Drop everything that waits for " + chosen.link + "?")) {
    return fail(with, "nothing was done; say --yes to go ahead", EX_USAGE);
  }
  if (removes) {
    return show(chosen, with, api.remove("links/" + encoded(chosen.link)), [&](const auto&) {
      return chosen.link + " is removed; its queue stays in the daemon's state_dir\n";
    });
  }
  return show(chosen, with, api.post("links/" + encoded(chosen.link) + "/purge"),
              [](const json::value& done) {
                return json::serialize(done.at("purged_messages")) + " messages were dropped\n";
              });
}

int test(const options& chosen, const terminal& with, const client& api) {
  const auto answer =
      api.post("links/" + encoded(chosen.link) + "/test", std::nullopt, test_time_max);
  const int code = show(chosen, with, answer,
                        [&](const json::value& report) { return test_text(report, with.screen); });
  return code != EX_OK || is_true(answer, "ok") ? code : refused;
}

int reload(const options& chosen, const terminal& with, const client& api) {
  const auto answer = api.post("reload");
  const int code = show(chosen, with, answer, [&](const json::value& report) {
    return reload_text(report, with.screen);
  });
  return code != EX_OK || is_true(answer, "successful") ? code : refused;
}

}  // namespace

int run(const options& chosen, const terminal& with) {
  const std::string& command = chosen.command;
  if (command == "completion") {
    with.out << bash_completion();
    return EX_OK;
  }
  const auto opened = client::open(chosen.admin, chosen.token_file);
  if (!opened) return fail(with, opened.error());
  const client& api = *opened;
  const std::string link = "links/" + encoded(chosen.link);
  const screen& on = with.screen;

  if (command == "status" || (command == "links" && !chosen.json)) {
    return show(chosen, with, api.get("status"), [&](const json::value& status) {
      return command == "status" ? status_text(status, on) : links_text(status, on);
    });
  }
  if (command == "links") {
    return show(chosen, with, api.get("links"), [](const auto&) { return std::string(); });
  }
  if (command == "show") {
    return show(chosen, with, api.get(link),
                [&](const json::value& it) { return link_text(it, on); });
  }
  if (command == "add") return add(chosen, with, api);
  if (command == "remove" || command == "purge") return with_consent(chosen, with, api);
  if (command == "interest") {
    return show(chosen, with,
                api.get(link + "/interest?limit=" + std::to_string(chosen.filters_max)),
                interest_text);
  }
  if (command == "queue") {
    return show(chosen, with, api.get(link + "/metrics"),
                [&](const json::value& it) { return queue_text(it, on); });
  }
  if (command == "explain") {
    return show(chosen, with, api.get("explain?topic=" + encoded(chosen.topic)),
                [&](const json::value& it) { return explanation_text(it, on); });
  }
  if (command == "test") return test(chosen, with, api);
  if (command == "reload") return reload(chosen, with, api);
  if (command == "watch") return watch(api, chosen.interval_s, with);
  // enable, disable, pause, resume
  return show(chosen, with, api.post(link + "/" + command),
              [&](const json::value& it) { return chosen.link + ": " + state_text(it); });
}

}  // namespace linkd::ctl

#include "ctl/options.hpp"

#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <sstream>

namespace linkd::ctl {
namespace {

constexpr const char* exit_codes =
    "Exit codes: 0 fine, 1 the daemon said no, 64 wrong usage, 69 the daemon cannot be reached,\n"
    "77 the token is missing or wrong.";

struct plain_command {
  const char *name, *what;
};

constexpr plain_command commands[] = {
    {"status", "The daemon and its links at a glance"},
    {"links", "All links"},
    {"reload", "Read the configuration again"},
};
constexpr plain_command link_commands[] = {
    {"show", "The settings and the state of a link"},
    {"enable", "Enable a link (in its file)"},
    {"disable", "Disable a link (in its file)"},
    {"pause", "No session, messages are queued, until resume"},
    {"resume", "End a pause"},
    {"queue", "What waits for the peer"},
    {"test", "Try to reach the servers of a link"},
};

// CLI11's app bound to `out`.
std::unique_ptr<CLI::App> make_app(options& out, std::string& format) {
  auto app = std::make_unique<CLI::App>("Controls mqtt-linkd, the cluster linking daemon.",
                                        "mqtt-linkctl");
  app->require_subcommand(1);
  app->fallthrough();
  app->footer(exit_codes);
  app->set_version_flag("--version", "mqtt-linkctl " LINKD_VERSION);
  app->add_option("-a,--admin", out.admin,
                  "The daemon's admin.server: http://HOST:PORT or unix:///PATH")
      ->envname("MQTT_LINKD_ADMIN")
      ->capture_default_str();
  app->add_option("--token-file", out.token_file, "File with the token of admin.token_file")
      ->envname("MQTT_LINKD_TOKEN_FILE");
  app->add_option("-o,--output", format, "For people or for programs")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();

  const auto command = [&](const char* name, const char* what) {
    return app->add_subcommand(name, what)->callback([&out, name] { out.command = name; });
  };
  const auto link_command = [&](const char* name, const char* what) {
    CLI::App* const made = command(name, what);
    made->add_option("LINK", out.link, "The link's name: that of the peer's deployment")
        ->required();
    return made;
  };
  for (const auto& [name, what] : commands) command(name, what);
  for (const auto& [name, what] : link_commands) link_command(name, what);

  CLI::App* const add = link_command("add", "Create a link");
  add->add_option("--server", out.added.servers, "Where to reach the peer; may be repeated");
  add->add_option("--topics", out.added.topics, "A filter we want; may be repeated");
  add->add_option("--allow", out.added.allow, "A filter the peer may have; may be repeated");
  add->add_option("--username", out.added.username, "Our user there");
  add->add_option("--password-file", out.added.password_file,
                  "File with its password, as the daemon sees it");
  add->add_flag("--disabled", out.added.disabled, "Do not enable it yet");
  add->add_option("--set", out.added.settings,
                  "KEY=VALUE, any other key of the link's file (queue.max_bytes=2GiB)");

  for (CLI::App* const each :
       {link_command("remove", "Remove a link; its queue stays on disk"),
        link_command("purge", "Drop everything that waits in a link's queue")}) {
    each->add_flag("-y,--yes", out.yes, "Do not ask");
  }
  link_command("interest", "What both sides of a link ask for")
      ->add_option("--limit", out.filters_max, "Filters of each list at most")
      ->check(CLI::Range(1u, 10'000u))
      ->capture_default_str();
  command("explain", "Which links would get a topic, and why not")
      ->add_option("TOPIC", out.topic, "A topic name")
      ->required();
  command("watch", "A live table of all links")
      ->add_option("-n,--interval", out.interval_s, "Seconds between two looks")
      ->check(CLI::Range(1u, 3'600u))
      ->capture_default_str();
  command("completion", "Print the completion for bash and zsh: source <(mqtt-linkctl completion)");
  return app;
}

}  // namespace

parsed_options parse_options(int argc, const char* const argv[]) {
  parsed_options out;
  std::string format = "table";
  const auto app = make_app(out.chosen, format);
  try {
    app->parse(argc, argv);
  } catch (const CLI::ParseError& end) {
    std::ostringstream text, fault;
    out.ends = true;
    out.exit_code = app->exit(end, text, fault) == 0 ? EX_OK : EX_USAGE;
    out.text = text.str() + fault.str();
  }
  out.chosen.json = format == "json";
  return out;
}

std::vector<completable> completables() {
  options unused;
  std::string format;
  const auto app = make_app(unused, format);
  std::vector<completable> out;
  const auto add = [&](const std::string& name, const CLI::App& of) {
    completable made{name, {}, false};
    for (const CLI::Option* each : of.get_options()) {
      for (const std::string& word : each->get_lnames()) made.options.push_back("--" + word);
      for (const std::string& word : each->get_snames()) made.options.push_back("-" + word);
      made.takes_link = made.takes_link || each->get_name() == "LINK";
    }
    std::ranges::sort(made.options);
    out.push_back(std::move(made));
  };
  add("", *app);
  for (const CLI::App* each : app->get_subcommands({})) add(each->get_name(), *each);
  return out;
}

}  // namespace linkd::ctl

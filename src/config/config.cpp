#include "config/config.hpp"

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <optional>

#include "config/files.hpp"
#include "config/section.hpp"
#include "config/sections.hpp"
#include "config/values.hpp"
#include "config/yaml_reader.hpp"
#include "mqtt_linkd/limits.hpp"

namespace linkd::config {
namespace {

template <class T>
using or_problems = std::variant<T, std::vector<problem>>;

// A file as far as it could be read, with what is wrong in it.
template <class Settings>
struct read_file {
  explicit read_file(const std::string& file) : found(file) {}
  Settings settings;
  report found;
  bool parsed = false;  // it is YAML; else nothing can be said about its keys
  position server_at;   // of a link
};

std::string stem_of(const std::string& file) {
  return std::filesystem::path(file).stem().string();
}

void append(std::vector<problem>& to, const std::vector<problem>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

// Parses `text` and lets `read` take the keys of its top map.
template <class Settings, class Read>
void parse(const std::string& text, read_file<Settings>& out, Read&& read) {
  const auto root = read_yaml(text, out.found);
  if (!root) return;
  out.parsed = true;
  section top(*root, "", out.found);
  read(top);
  top.reject_unknown_keys();
}

void parse_link(const std::string& text, const daemon_settings& daemon,
                read_file<link_settings>& out) {
  parse(text, out, [&](section& top) {
    read_link(top, stem_of(out.found.file()), daemon, out.settings);
    out.server_at = top.place("server");
  });
}

// None: it cannot be read, and `found` says so.
std::optional<file_text> read_text(report& found) {
  auto content = read_config_file(found.file());
  if (!content) {
    found.error({}, "", content.error().text);
    return std::nullopt;
  }
  return std::move(*content);
}

void warn_of_readable_password(const file_text& content, std::initializer_list<credentials> logins,
                               report& found) {
  const auto inline_password = [](const credentials& each) { return !each.password.empty(); };
  if (!content.world_readable || std::ranges::none_of(logins, inline_password)) return;
  found.warning({}, "password", "everybody can read this file: chmod 640, or use password_file");
}

read_file<daemon_settings> read_daemon_file(const std::string& file) {
  read_file<daemon_settings> out(file);
  out.settings.links_dir = out.found.resolve("links.d");
  const auto content = read_text(out.found);
  if (!content) return out;
  parse(content->text, out, [&](section& top) { read_daemon(top, out.settings); });
  warn_of_readable_password(*content, {out.settings.broker.login, out.settings.interest.login},
                            out.found);
  return out;
}

read_file<link_settings> read_link_file(const std::string& file, const daemon_settings& daemon) {
  read_file<link_settings> out(file);
  const auto content = read_text(out.found);
  if (!content) return out;
  parse_link(content->text, daemon, out);
  warn_of_readable_password(*content, {out.settings.login}, out.found);
  return out;
}

or_problems<loaded_link> outcome(read_file<link_settings> read) {
  if (!read.found.errors().empty()) return read.found.errors();
  return loaded_link{std::move(read.settings), read.found.warnings()};
}

// Two links whose clients would have the same ids at the same broker, which disconnects the older
// of two such clients each time.
bool clash(const link_settings& a, const link_settings& b) {
  return a.client_id_prefix == b.client_id_prefix && a.enable && b.enable &&
         std::ranges::find_first_of(a.servers, b.servers) != a.servers.end();
}

struct changed_file {
  std::string file, text;
};

// `changed` stands for what is in its file.
loaded_links load_files(const std::vector<std::string>& files, const daemon_settings& daemon,
                        const std::optional<changed_file>& changed) {
  loaded_links out;
  for (const auto& file : files) {
    read_file<link_settings> read(file);
    if (changed && changed->file == file) {
      parse_link(changed->text, daemon, read);
    } else {
      read = read_link_file(file, daemon);
    }
    const auto twin = std::ranges::find_if(
        out.links, [&](const link_settings& other) { return clash(other, read.settings); });
    if (twin != out.links.end()) {
      read.found.error(read.server_at, "server",
                       "link " + in_quotes(twin->name) +
                           " has the same server and client_id_prefix: their clients would "
                           "disconnect each other");
    }
    if (read.found.errors().empty() && out.links.size() == limits::links_max) {
      read.found.error({}, "",
                       "there are more than " + std::to_string(limits::links_max) + " links");
    }
    append(out.problems, read.found.errors());
    append(out.warnings, read.found.warnings());
    if (read.found.errors().empty()) out.links.push_back(std::move(read.settings));
  }
  return out;
}

}  // namespace

or_problems<loaded_daemon> load_daemon(const std::string& config_file) {
  auto read = read_daemon_file(config_file);
  if (!read.found.errors().empty()) return read.found.errors();
  return loaded_daemon{std::move(read.settings), read.found.warnings()};
}

or_problems<loaded_link> load_link(const std::string& file, const daemon_settings& daemon) {
  return outcome(read_link_file(file, daemon));
}

or_problems<loaded_link> parse_link(const std::string& text, const std::string& file,
                                    const daemon_settings& daemon) {
  read_file<link_settings> out(file);
  parse_link(text, daemon, out);
  return outcome(std::move(out));
}

loaded_links load_links(const daemon_settings& daemon) {
  const auto files = list_files(daemon.links_dir);
  if (files) {
    auto out = load_files(files->yaml, daemon, std::nullopt);
    for (const auto& each : files->yml) {
      out.warnings.push_back({each, 1, 1, "", "is not read: name it .yaml"});
    }
    return out;
  }
  loaded_links out;
  auto& list = files.error().code == errc::not_found ? out.warnings : out.problems;
  list.push_back({daemon.links_dir, 1, 1, "", files.error().text});
  return out;
}

std::vector<problem> check_link(const std::string& text, const std::string& file,
                                const daemon_settings& daemon) {
  auto files = std::vector<std::string>{};
  if (auto listed = list_files(daemon.links_dir)) files = std::move(listed->yaml);
  const auto before = load_files(files, daemon, std::nullopt).problems;
  if (std::ranges::find(files, file) == files.end()) {
    files.insert(std::ranges::upper_bound(files, file), file);
  }
  auto problems = load_files(files, daemon, changed_file{file, text}).problems;
  std::erase_if(problems, [&](const problem& each) {
    return each.file != file && std::ranges::find(before, each) != before.end();
  });
  return problems;
}

or_problems<loaded> load(const std::string& config_file) {
  auto daemon = read_daemon_file(config_file);
  auto problems = daemon.found.errors();
  if (!daemon.parsed) return problems;
  auto warnings = daemon.found.warnings();
  auto links = load_links(daemon.settings);
  append(problems, links.problems);
  append(warnings, links.warnings);
  if (!problems.empty()) return problems;
  return loaded{std::move(daemon.settings), std::move(links.links), std::move(warnings)};
}

}  // namespace linkd::config

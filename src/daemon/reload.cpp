#include "daemon/reload.hpp"

#include <algorithm>

namespace linkd::daemon {
namespace {

std::vector<std::string> restart_keys(const daemon_settings& running, const daemon_settings& read) {
  std::vector<std::string> keys;
  const auto compare = [&](const char* key, bool same) {
    if (!same) keys.emplace_back(key);
  };
  compare("deployment", running.deployment == read.deployment);
  compare("broker", running.broker == read.broker);
  compare("interest", running.interest == read.interest);
  compare("listen", running.listen == read.listen);
  compare("admin", running.admin == read.admin);
  compare("control_prefix", running.control_prefix == read.control_prefix);
  compare("state_dir", running.state_dir == read.state_dir);
  compare("links_dir", running.links_dir == read.links_dir);
  return keys;
}

// "…/links.d/london.yaml" is about the link london; a directory that cannot be read, about every
// link.
bool concerns(const config::problem& found, const std::string& link, const std::string& links_dir) {
  return found.file == links_dir || found.file.ends_with("/" + link + ".yaml");
}

}  // namespace

reloaded reload(const std::string& config_file, const daemon_settings& running,
                const std::vector<link_settings>& running_links) {
  reloaded out;
  out.log = running.log;
  auto main_file = config::load_daemon(config_file);
  if (auto* problems = std::get_if<std::vector<config::problem>>(&main_file)) {
    out.successful = false;
    out.problems = std::move(*problems);
    out.links = running_links;
    return out;
  }
  auto& daemon = std::get<config::loaded_daemon>(main_file);
  out.log = daemon.settings.log;
  out.needs_restart = restart_keys(running, daemon.settings);
  out.warnings = std::move(daemon.warnings);

  // Links are read against what runs: a control_prefix that waits for a restart is not theirs yet.
  auto links = config::load_links(running);
  out.links = std::move(links.links);
  out.problems = std::move(links.problems);
  out.warnings.insert(out.warnings.end(), links.warnings.begin(), links.warnings.end());
  out.successful = out.problems.empty();
  for (const link_settings& old : running_links) {
    const bool bad = std::any_of(
        out.problems.begin(), out.problems.end(),
        [&](const config::problem& each) { return concerns(each, old.name, running.links_dir); });
    const bool read = std::any_of(out.links.begin(), out.links.end(),
                                  [&](const link_settings& each) { return each.name == old.name; });
    if (bad && !read) out.links.push_back(old);
  }
  return out;
}

std::vector<std::string> watched_files(const std::string& config_file,
                                       const daemon_settings& daemon,
                                       const std::vector<link_settings>& links) {
  std::vector<std::string> files{config_file};
  const auto add = [&](const std::string& file) {
    if (!file.empty()) files.push_back(file);
  };
  const auto add_tls = [&](const tls_settings& tls) {
    add(tls.ca_file);
    add(tls.cert_file);
    add(tls.key_file);
  };
  add(daemon.broker.login.password_file);
  add(daemon.interest.login.password_file);
  add_tls(daemon.broker.tls);
  if (daemon.listen) add_tls(daemon.listen->tls);
  for (const link_settings& link : links) {
    add(link.login.password_file);
    add(link.frame_key_file);
    add_tls(link.tls);
    if (link.accept) add(link.accept->password_file);
  }
  return files;
}

}  // namespace linkd::daemon

#pragma once

#include <string>
#include <variant>
#include <vector>

#include "config/problem.hpp"
#include "mqtt_linkd/settings.hpp"

// The configuration of DESIGN section 5, read and checked. Blocking file access, no state, no
// exceptions; safe on any thread as long as nobody changes the environment meanwhile.
namespace linkd::config {

struct loaded {
  daemon_settings daemon;
  std::vector<link_settings> links;  // sorted by name, disabled ones too
  std::vector<problem> warnings;     // of all files: dangerous or without effect, but allowed
};

// mqtt-linkd.yaml and all links, for the start and for `-t`: everything, or every problem of every
// file at once.
std::variant<loaded, std::vector<problem>> load(const std::string& config_file);

struct loaded_daemon {
  daemon_settings settings;
  std::vector<problem> warnings;
};

// mqtt-linkd.yaml alone.
std::variant<loaded_daemon, std::vector<problem>> load_daemon(const std::string& config_file);

struct loaded_links {
  std::vector<link_settings> links;  // the good ones
  std::vector<problem> problems;     // of the others, by file; or of the directory itself
  std::vector<problem> warnings;
};

// Every link of `daemon.links_dir`, for a reload: a bad file costs its own link only. A directory
// that is not there is a warning and no links.
loaded_links load_links(const daemon_settings& daemon);

struct loaded_link {
  link_settings settings;
  std::vector<problem> warnings;
};

// One link file; its name without .yaml must be the link's.
std::variant<loaded_link, std::vector<problem>> load_link(const std::string& file,
                                                          const daemon_settings& daemon);
// The same for text that is not in `file` yet. JSON is YAML: what the API receives can be read.
std::variant<loaded_link, std::vector<problem>> parse_link(const std::string& text,
                                                           const std::string& file,
                                                           const daemon_settings& daemon);

// What would be wrong if `file` of `daemon.links_dir` had this text, beside the other links: its
// problems, and those that it would make for others.
std::vector<problem> check_link(const std::string& text, const std::string& file,
                                const daemon_settings& daemon);

}  // namespace linkd::config

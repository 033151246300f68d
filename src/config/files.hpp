#pragma once

#include <string>
#include <vector>

#include "mqtt_linkd/result.hpp"

// The files a configuration consists of or names. An error's text says what to do, without the
// path.
namespace linkd::config {

struct file_text {
  std::string text;
  bool world_readable = false;
};

// The text of a configuration file: a regular file of at most 1 MiB that only its owner may write.
result<file_text> read_config_file(const std::string& path);
// A regular file that we may read.
result<void> check_readable_file(const std::string& path);
// The same, not empty, and closed to others. The group may read it only if the file belongs to root
// and we are not root: that is how packages and systemd's LoadCredential hand secrets to a service.
result<void> check_secret_file(const std::string& path);

// Paths, sorted; hidden files are in neither.
struct directory_files {
  std::vector<std::string> yaml;  // *.yaml
  std::vector<std::string> yml;   // *.yml: meant to be read, probably, but is not
};
// A directory that others may write to is refused; errc::not_found: there is none.
result<directory_files> list_files(const std::string& directory);

// Replaces the file or creates it, and its directory: after a crash it is the old one or the new
// one. Only its owner may write it, nobody but its group read it, and that only if it could.
result<void> write_config_file(const std::string& path, const std::string& text);
// errc::not_found.
result<void> remove_config_file(const std::string& path);

}  // namespace linkd::config

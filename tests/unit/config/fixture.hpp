#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "tests/support/temp_dir.hpp"

namespace linkd::test {

// A configuration in a directory of its own, with only what is required in it.
class config_files {
 public:
  config_files() {
    std::filesystem::create_directory(dir_.path() / "links.d");
    write("mqtt-linkd.yaml", "deployment: paris\nbroker:\n  server: mqtt://127.0.0.1:1883\n");
  }

  // Closed to everybody else, as secrets have to be.
  std::string write(const std::string& name, std::string_view text) {
    const auto file = dir_.path() / name;
    write_file(file, text);
    std::filesystem::permissions(file, std::filesystem::perms(0600));
    return file.string();
  }
  std::string write_link(const std::string& name, std::string_view text) {
    return write("links.d/" + name + ".yaml", text);
  }
  void chmod(const std::string& name, unsigned mode) {
    std::filesystem::permissions(dir_.path() / name, std::filesystem::perms(mode));
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return (dir_.path() / name).string();
  }
  [[nodiscard]] std::string main_file() const { return path("mqtt-linkd.yaml"); }

 private:
  temp_dir dir_;
};

// The problems of a configuration; none if it is right.
template <class... Alternatives>
std::vector<config::problem> problems_of(const std::variant<Alternatives...>& outcome) {
  const auto* found = std::get_if<std::vector<config::problem>>(&outcome);
  return found == nullptr ? std::vector<config::problem>{} : *found;
}

// All of them, one a line, for messages of the tests.
inline std::string all_of(const std::vector<config::problem>& problems) {
  std::string text;
  for (const auto& each : problems) text += to_string(each) + "\n";
  return text;
}

}  // namespace linkd::test

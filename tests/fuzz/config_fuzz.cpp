// Configuration files and what the API receives as one: settings, or problems with their places.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/config.hpp"
#include "tests/fuzz/input.hpp"

using namespace linkd;

namespace {

struct place {
  place() {
    std::string name = std::filesystem::temp_directory_path() / "linkd-fuzz-XXXXXX";
    directory = ::mkdtemp(name.data());
  }
  ~place() { std::filesystem::remove_all(directory); }
  std::filesystem::path directory;
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const place somewhere;
  fuzz::input in(data, size);
  const bool daemon_file = in.octet() % 2 == 0;
  const std::string text(in.rest());
  if (daemon_file) {
    const auto file = somewhere.directory / "mqtt-linkd.yaml";
    std::ofstream(file, std::ios::binary) << text;
    const auto read = config::load_daemon(file);
    if (const auto* problems = std::get_if<std::vector<config::problem>>(&read))
      fuzz::must(!problems->empty(), "a refusal names a problem");
    return 0;
  }
  daemon_settings daemon;
  daemon.deployment = "paris";
  const auto read = config::parse_link(text, "links.d/london.yaml", daemon);
  if (const auto* problems = std::get_if<std::vector<config::problem>>(&read)) {
    fuzz::must(!problems->empty(), "a refusal names a problem");
  } else {
    fuzz::must(std::get<config::loaded_link>(read).settings.name == "london", "the name");
  }
  return 0;
}

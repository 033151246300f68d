#include "tests/support/mosquitto_broker.hpp"

#include <unistd.h>

namespace linkd::test {

namespace {

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

mosquitto_broker::mosquitto_broker(const std::string& extra_config)
    : any_broker({.name = "mosquitto"}),
      log_everything_(extra_config.find("log_type") == std::string::npos) {
  std::string config = "listener {port} 127.0.0.1\nallow_anonymous true\n" + extra_config + "\n";
  if (::geteuid() == 0) config += "user root\n";  // otherwise it cannot read this directory
  replace_all(config, "{dir}", directory().string());
  replace_all(config, "{port}", std::to_string(port()));
  write_file(directory() / "mosquitto.conf", config);
  start();
}

process_settings mosquitto_broker::command() const {
  const bool in_path = ::access("/usr/sbin/mosquitto", X_OK) != 0;  // sbin often is not
  process_settings settings;
  settings.arguments = {in_path ? "mosquitto" : "/usr/sbin/mosquitto", "-c",
                        (directory() / "mosquitto.conf").string()};
  if (log_everything_) settings.arguments.emplace_back("-v");
  return settings;
}

}  // namespace linkd::test

#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/any_broker.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace linkd::test {

using strings = std::vector<std::string>;

// Longest wait for what normally takes milliseconds, on a machine that others load too.
inline constexpr std::chrono::seconds patience{30};

// How a link reaches its peer: through the peer's broker, or the peer's daemon itself.
enum class transport { mqtt, ws };
std::ostream& operator<<(std::ostream& out, transport how);

// "mqtt://127.0.0.1:1234", "ws://127.0.0.1:1234"; through a line to `port`, for instance.
std::string address(transport how, std::uint16_t port);

// One deployment as an operator would run it: a broker and a daemon that listens for
// peers, their configuration, state and logs in a directory of its own. If a test fails, the end of
// each log goes to stderr. LINKD_TEST_CLIENT in the environment of the test is its `broker.client`,
// if `broker_yaml` does not name one.
class site {
 public:
  // Starts a mosquitto. `daemon_yaml` is added to mqtt-linkd.yaml, `broker_yaml` (indented) to its
  // `broker`, `mosquitto_conf` to the broker's own configuration.
  explicit site(std::string name, std::string_view broker_yaml = {},
                std::string_view daemon_yaml = {}, std::string_view mosquitto_conf = {});
  site(std::string name, std::string_view broker_yaml, std::string_view daemon_yaml,
       std::unique_ptr<any_broker> broker);
  ~site();
  site(const site&) = delete;
  site& operator=(const site&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }
  [[nodiscard]] std::filesystem::path configuration() const;
  [[nodiscard]] std::filesystem::path state() const { return directory() / "state"; }
  [[nodiscard]] std::string daemon_log() const;

  [[nodiscard]] std::uint16_t admin_port() const { return admin_port_; }
  [[nodiscard]] std::uint16_t broker_port() const { return broker_->port(); }
  [[nodiscard]] std::uint16_t listen_port() const { return listen_port_; }
  // Where peers reach us.
  [[nodiscard]] std::string door(transport how) const;
  // Stopped in good order it stores its sessions.
  [[nodiscard]] any_broker& broker() { return *broker_; }
  [[nodiscard]] const any_broker& broker() const { return *broker_; }

  // Writes links.d/<peer>.yaml. `server`: see address(); empty: the peer is not dialled. The peer
  // may dial us. `yaml` is added.
  void write_link(const std::string& peer, const std::string& server, const strings& topics,
                  std::string_view yaml = {});
  void reload();  // SIGHUP

  // NAME=VALUE, added to the daemon's at every start from now on.
  void set_environment(strings environment) { environment_ = std::move(environment); }
  void start_daemon();
  void kill_daemon();  // SIGKILL
  int stop_daemon();   // SIGTERM; the exit code
  [[nodiscard]] process& daemon() { return *daemon_; }

  // The sum of the metric's series that carry all these labels (`link="B"`); NaN if there are none
  // or the daemon does not answer.
  [[nodiscard]] double metric(std::string_view metric_name,
                              std::initializer_list<std::string_view> labels = {}) const;
  [[nodiscard]] bool link_up(const std::string& peer) const;
  [[nodiscard]] double waiting_for(const std::string& peer) const;  // messages in its queue
  // The log of mosquitto says that the daemon is subscribed to this filter.
  [[nodiscard]] bool captures(std::string_view filter) const;

 private:
  const std::string name_;
  const temp_dir directory_;
  const std::unique_ptr<any_broker> broker_;
  const std::uint16_t admin_port_, listen_port_;
  strings environment_;
  std::unique_ptr<process> daemon_;
};

// Both links are up.
bool linked(const site& one, const site& other);

// The executable under test.
std::string daemon_program();

}  // namespace linkd::test

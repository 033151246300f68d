#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/e2e/ledger.hpp"
#include "tests/e2e/site.hpp"
#include "tests/support/mqtt_peer.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace linkd::test {

inline constexpr std::chrono::seconds recovery{120};  // longest wait for a backlog after a fault

// Two sites; clients of A publish numbered messages to B over a line that can be disturbed. B's
// client is there from the beginning, and what it hears is compared with what A's broker
// acknowledged: the stage of every test that breaks something.
class one_way {
 public:
  struct settings {
    transport how = transport::mqtt;
    double messages_per_s_max = 0;               // of the publisher; 0: no limit
    std::size_t payload_bytes = 100;             // of each message
    std::optional<std::uint32_t> expiry_s = {};  // Message Expiry Interval
    std::string_view queue_yaml = {};            // added to A's link
    std::string_view mosquitto_conf_a = {};      // added to the brokers' configurations
    std::string_view mosquitto_conf_b = {};
    std::string_view broker_yaml_b = {};  // added to B's `broker`, indented
    strings environment_a = {}, environment_b = {};
    std::function<void(const site& a)> before_start = {};  // its daemon has not been started yet
  };
  explicit one_way(const settings& chosen);
  one_way(transport how, double messages_per_s_max);
  explicit one_way(double messages_per_s_max = 0);

  // Publishes as many, in the background.
  void publish(std::size_t count);
  // Both links are up and A captures.
  [[nodiscard]] bool works() const;
  // All that was published has arrived, and nothing waits any more.
  [[nodiscard]] bool complete() const;
  // The fault is over: recovery is measured from here.
  void fault_ended();
  // Waits until everything was acknowledged to the publisher, has arrived, and nothing waits any
  // more; checks that the link is up again by itself. What became of the messages.
  ledger settled();
  // From fault_ended() to the end of settled().
  [[nodiscard]] std::chrono::milliseconds recovered_in() const { return recovered_in_; }

  site a, b;
  tcp_proxy line_to_a, line_to_b;
  std::unique_ptr<mqtt_peer> publisher, subscriber;
  std::size_t sent = 0;

 private:
  const std::size_t payload_bytes_;
  const std::optional<std::uint32_t> expiry_s_;
  std::chrono::steady_clock::time_point fault_ended_{};
  std::chrono::milliseconds recovered_in_{0};
};

// The books of one daemon life: what it took over for its peer must be acknowledged, in its queue,
// or given up for a reason. `before`: what was in the queue when the daemon started.
struct books {
  double before = 0;
  double captured = 0, acked = 0, queued = 0, dropped = 0;
  [[nodiscard]] bool balanced() const { return before + captured == acked + queued + dropped; }
};
books books_of(const site& source, const std::string& peer, double before = 0);
std::ostream& operator<<(std::ostream& out, const books& what);

// Of everything in it.
std::uintmax_t directory_bytes(const std::filesystem::path& directory);

// One line of tests/RELIABILITY.md for what a test has just shown.
void report(std::string_view fault, std::string_view how, std::size_t times, const one_way& link,
            const ledger& found);

}  // namespace linkd::test

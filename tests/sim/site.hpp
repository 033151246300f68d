#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "link/deployment.hpp"
#include "tests/sim/sim_broker.hpp"
#include "tests/sim/sim_network.hpp"
#include "tests/sim/sim_subscriptions.hpp"
#include "tests/sim/world.hpp"

namespace linkd::sim {

// One deployment in a simulated world: a broker, a disk, and a whole daemon core that can be
// started, stopped, killed and lose its power. Records what arrives at the broker over links.
class site {
 public:
  site(world& in, sim_network& net, std::string name);
  ~site();

  [[nodiscard]] const std::string& name() const { return name_; }
  // How long the disk takes for one piece of work, at most.
  void set_disk_delay(microseconds max) { disk_delay_max_ = max; }
  // The wall clock is wrong by this from the next start on: a daemon reads it once.
  void set_wall_offset(milliseconds offset) { wall_offset_ = offset; }
  // The link definitions of the next start; if running, they are applied at once.
  void configure(std::vector<link_settings> links);

  void start();  // again a second later if the disk does not let it
  void stop();   // in good order; returns at once, the core ends within seconds
  void kill();   // kill -9
  // The program fails here and now, with what it has in hand, and is started again a second later.
  // Only within an event of this daemon, which is broken off.
  [[noreturn]] void crash();
  // The daemon takes these records in hand.
  std::function<void(const queue_records&)> on_take;
  void lose_power();  // and what the disk had not synced
  [[nodiscard]] bool running() const { return process_ != nullptr; }

  sim_broker& broker() { return broker_; }
  sim_subscriptions& clients() { return clients_; }
  test::memory_storage& disk() { return disk_; }
  // Of a daemon that runs.
  [[nodiscard]] link::deployment& core();
  [[nodiscard]] link::deployment_status status() const;
  // State of the link to `peer`; disabled if the daemon does not run.
  [[nodiscard]] link::link_status link_to(const std::string& peer) const;
  [[nodiscard]] bool all_links_up() const;

  // A local client publishes the next numbered message under `topic`; the number says which.
  std::uint64_t publish(const std::string& topic, std::uint8_t qos = 1);
  [[nodiscard]] std::uint64_t published() const { return published_; }

  struct arrival {
    std::string from;  // site
    std::uint64_t number;
  };
  [[nodiscard]] const std::vector<arrival>& arrivals() const { return arrivals_; }
  // ERROR lines since the beginning.
  [[nodiscard]] const std::vector<std::string>& errors() const { return errors_; }

 private:
  struct process;
  struct sim_crash_journal;

  world& world_;
  sim_network& net_;
  std::string name_;
  sim_broker broker_;
  sim_subscriptions clients_;
  test::memory_storage disk_;
  microseconds disk_delay_max_ = milliseconds(2);
  milliseconds wall_offset_{0};
  std::vector<link_settings> links_;
  std::vector<queue_records> crashes_;
  std::unique_ptr<process> process_;
  std::uint64_t published_ = 0;
  std::vector<arrival> arrivals_;
  std::vector<std::string> errors_;
};

// A link to `peer` with these topics; `dials`: it has a server.
link_settings link_to(const std::string& us, const std::string& peer,
                      std::vector<std::string> topics, bool dials = true);

}  // namespace linkd::sim

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mqtt_linkd/ports/transport.hpp"
#include "tests/sim/world.hpp"

namespace linkd::sim {

class sim_path;

// The network between the sites: connections that break, go silent, or cannot be made; frames of
// the data lane overtake each other now and then, as over several MQTT connections.
class sim_network {
 public:
  explicit sim_network(world& in) : world_(in) {}

  // A daemon begins or ceases to accept.
  void listen(const std::string& site, acceptor_events* acceptor) { acceptors_[site] = acceptor; }

  // The site can be reached under this name too, from now on.
  void add_name(const std::string& name, const std::string& site) { names_[name] = site; }

  // No new connection, and the ones there are lose everything without a word.
  void partition(const std::string& a, const std::string& b) { cut_.insert(std::minmax(a, b)); }
  // Frames between the two wait until heal().
  void silence(const std::string& a, const std::string& b) { silent_.insert(std::minmax(a, b)); }
  // The same for what goes from one to the other; the way back works.
  void partition_one_way(const std::string& from, const std::string& to) {
    cut_one_way_.insert({from, to});
  }
  void heal(const std::string& a, const std::string& b);
  void heal_all() {
    cut_.clear();
    cut_one_way_.clear();
  }
  // Every connection between the two is reset; both ends are told.
  void reset(const std::string& a, const std::string& b);
  void set_data_reordering(bool on) { reordering_ = on; }

 private:
  friend class sim_path;
  friend class sim_dialer;
  using pair = std::pair<std::string, std::string>;

  [[nodiscard]] bool is_cut(const std::string& from, const std::string& to) const {
    return cut_.count(std::minmax(from, to)) > 0 || cut_one_way_.count({from, to}) > 0;
  }

  world& world_;
  std::map<std::string, acceptor_events*> acceptors_;
  std::map<std::string, std::string> names_;
  std::set<pair> cut_, cut_one_way_, silent_;
  std::vector<std::function<void()>> held_;   // arrivals that the silence holds back, in order
  std::map<std::uint64_t, sim_path*> paths_;  // in the order of their making, not of addresses
  std::uint64_t paths_made_ = 0;
  bool reordering_ = false;
};

class sim_dialer : public dialer {
 public:
  sim_dialer(sim_network& net, std::string site) : net_(net), site_(std::move(site)) {}
  // server.host is the site to reach.
  std::unique_ptr<path> dial(const link_settings& link, const server_address& server) override;

 private:
  sim_network& net_;
  std::string site_;
};

}  // namespace linkd::sim

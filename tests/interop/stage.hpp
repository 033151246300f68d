#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/ledger.hpp"
#include "tests/e2e/site.hpp"
#include "tests/support/mqtt_peer.hpp"
#include "tests/support/other_brokers.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace linkd::test {

// One end of a pair: "mosquitto", "nats"; "mosquitto/3.1.1" where all clients use that version.
struct end {
  std::string broker;
  bool mqtt311 = false;
};
struct ends {
  end a, b;
};
std::ostream& operator<<(std::ostream& out, const ends& which);

// As configured by its sample.
bool carries_dollar_topics(const end& which);

// A site with such a broker, whose daemon knows what it is. `config` is for mosquitto.
site make_site(const std::string& deployment, const end& which, const std::string& prefix,
               const std::string& config = {});

// The pairs to test: those in $LINKD_INTEROP ("nats,mosquitto mosquitto,nats"), or every pair of
// mosquitto with MQTT 5 and 3.1.1.
std::vector<ends> all_pairs();

// One cell of the matrix: its destructor appends "pair|scenario|outcome" to the file
// $LINKD_INTEROP_REPORT, where outcome is FAILED (an exception is on its way, as REQUIRE throws
// them), green, or what the broker was found to make impossible.
class cell {
 public:
  cell(ends pair, std::string scenario) : pair_(std::move(pair)), scenario_(std::move(scenario)) {}
  ~cell();
  cell(const cell&) = delete;
  cell& operator=(const cell&) = delete;

  // Found in this run, in words; several are joined.
  void impossible(const std::string& words);

 private:
  const ends pair_;
  const std::string scenario_;
  std::string words_;
};

// Two sites, linked over lines that can be cut, each with a client that hears everything the
// scenario is about.
class stage {
 public:
  struct settings {
    ends pair;
    std::string scenario;
    transport how = transport::mqtt;
    strings wanted_by_a = {}, wanted_by_b = {};
    strings filters_at_a = {"#"}, filters_at_b = {"#"};  // of the clients
    std::string mosquitto_conf_b = {};
  };
  // Returns when each direction that is wanted has carried a message to `probe_topic`, which must
  // match one filter of each side.
  explicit stage(const settings& chosen, const std::string& probe_topic);

  // Messages of the scenario only: without the probes and what a broker shows of our own traffic.
  [[nodiscard]] std::vector<message> arrivals_at_a() const { return of_scenario(*at_a); }
  [[nodiscard]] std::vector<message> arrivals_at_b() const { return of_scenario(*at_b); }
  // A probe crosses (again) in every direction that is wanted.
  [[nodiscard]] bool carries(const std::string& topic);
  // Every message that was queued has been delivered.
  [[nodiscard]] bool idle() const;
  // A client of this site; its own id.
  [[nodiscard]] mqtt_peer_settings client_of(const site& where, const std::string& id,
                                             strings filters) const;
  [[nodiscard]] bool mqtt5_at(const site& where) const;
  [[nodiscard]] std::string name_of(const site& where) const;  // "nats"

  cell verdict;

 private:
  const std::string prefix_;

 public:
  site a, b;
  tcp_proxy line_to_a, line_to_b;
  std::unique_ptr<mqtt_peer> at_a, at_b;

 private:
  std::vector<message> of_scenario(const mqtt_peer& client) const;
  [[nodiscard]] bool crosses(mqtt_peer& from, const mqtt_peer& to, const std::string& topic);
  void write_link(site& from, const site& to, transport how, std::uint16_t line,
                  const strings& topics);

  const ends pair_;
  const bool a_to_b_, b_to_a_;
  std::size_t probes_ = 0;
};

message text_message(std::string topic, std::string payload);
strings payloads(const std::vector<message>& arrivals);

}  // namespace linkd::test

#include "tests/interop/stage.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <sstream>
#include <utility>

#include "tests/support/eventually.hpp"

namespace linkd::test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view probe = "probe ";
constexpr auto probe_interval = 500ms;  // an early one is not captured yet, or dropped as unwanted

end parse_end(const std::string& text) {
  const auto slash = text.find('/');
  return {text.substr(0, slash), slash != std::string::npos};
}

std::string name(const end& which) {
  return which.broker + (which.mqtt311 ? "/3.1.1" : "");
}

// A link has one control prefix at both ends: topics that begin with $ only if both brokers carry
// them.
std::string common_prefix(const ends& pair) {
  return carries_dollar_topics(pair.a) && carries_dollar_topics(pair.b) ? "$LINK" : "linkd";
}

}  // namespace

bool carries_dollar_topics(const end& which) {
  return which.broker != "ejabberd";
}

site make_site(const std::string& deployment, const end& which, const std::string& prefix,
               const std::string& config) {
  auto broker = make_broker(which.broker, config);
  const broker_traits& traits = broker->traits();
  std::string yaml = "  profile: " + which.broker + '\n';
  if (which.mqtt311) yaml += "  protocol: 3.1.1\n";
  if (!traits.username.empty()) {
    yaml += "  username: " + traits.username + "\n  password: " + traits.password + '\n';
  }
  return site(deployment, yaml, "control_prefix: '" + prefix + "'\n", std::move(broker));
}

std::ostream& operator<<(std::ostream& out, const ends& which) {
  return out << name(which.a) << " - " << name(which.b);
}

std::vector<ends> all_pairs() {
  const char* chosen = std::getenv("LINKD_INTEROP");
  std::istringstream pairs(chosen != nullptr ? chosen
                                             : "mosquitto,mosquitto mosquitto/3.1.1,mosquitto "
                                               "mosquitto/3.1.1,mosquitto/3.1.1");
  std::vector<ends> all;
  for (std::string each; pairs >> each;) {
    const auto comma = each.find(',');
    all.push_back({parse_end(each.substr(0, comma)), parse_end(each.substr(comma + 1))});
  }
  return all;
}

cell::~cell() {
  const char* file = std::getenv("LINKD_INTEROP_REPORT");
  if (file == nullptr) return;
  const std::string good = words_.empty() ? "green" : words_;
  std::ofstream(file, std::ios::app) << pair_ << '|' << scenario_ << '|'
                                     << (std::uncaught_exceptions() > 0 ? "FAILED" : good) << '\n';
}

void cell::impossible(const std::string& words) {
  if (words_.find(words) != std::string::npos) return;
  words_ += (words_.empty() ? "" : "; ") + words;
}

stage::stage(const settings& chosen, const std::string& probe_topic)
    : verdict(chosen.pair, chosen.scenario),
      prefix_(common_prefix(chosen.pair)),
      a(make_site("A", chosen.pair.a, prefix_, "")),
      b(make_site("B", chosen.pair.b, prefix_, chosen.mosquitto_conf_b)),
      line_to_a(chosen.how == transport::mqtt ? a.broker_port() : a.listen_port()),
      line_to_b(chosen.how == transport::mqtt ? b.broker_port() : b.listen_port()),
      pair_(chosen.pair),
      a_to_b_(!chosen.wanted_by_b.empty()),
      b_to_a_(!chosen.wanted_by_a.empty()) {
  write_link(a, b, chosen.how, line_to_b.port(), chosen.wanted_by_a);
  write_link(b, a, chosen.how, line_to_a.port(), chosen.wanted_by_b);
  a.start_daemon();
  b.start_daemon();
  at_a = std::make_unique<mqtt_peer>(client_of(a, "client-a", chosen.filters_at_a));
  at_b = std::make_unique<mqtt_peer>(client_of(b, "client-b", chosen.filters_at_b));
  REQUIRE(eventually(2 * patience, [&] { return linked(a, b); }));
  REQUIRE(carries(probe_topic));
}

// With an account at the far broker.
void stage::write_link(site& from, const site& to, transport how, std::uint16_t line,
                       const strings& topics) {
  const broker_traits& far = to.broker().traits();
  std::string yaml;
  if (how == transport::mqtt) {
    if (!far.username.empty()) {
      yaml += "username: " + far.username + "\npassword: " + far.password + '\n';
    }
  }
  from.write_link(to.name(), address(how, line), topics, yaml);
}

bool stage::carries(const std::string& topic) {
  return (!a_to_b_ || crosses(*at_a, *at_b, topic)) && (!b_to_a_ || crosses(*at_b, *at_a, topic));
}

bool stage::crosses(mqtt_peer& from, const mqtt_peer& to, const std::string& topic) {
  const std::string payload = std::string(probe) + std::to_string(++probes_);
  const auto arrived = [&] {
    return std::ranges::any_of(to.arrivals(),
                               [&](const message& each) { return each.payload == payload; });
  };
  return eventually(2 * patience, [&] {
    from.publish(text_message(topic, payload));
    return eventually(probe_interval, arrived);
  });
}

bool stage::idle() const {
  return a.waiting_for("B") == 0 && b.waiting_for("A") == 0;
}

mqtt_peer_settings stage::client_of(const site& where, const std::string& id,
                                    strings filters) const {
  const broker_traits& traits = where.broker().traits();
  return {.port = where.broker_port(),
          .client_id = id,
          .mqtt5 = mqtt5_at(where),
          .filters = std::move(filters),
          .username = traits.username,
          .password = traits.password};
}

bool stage::mqtt5_at(const site& where) const {
  return where.broker().traits().mqtt5 && !(&where == &a ? pair_.a : pair_.b).mqtt311;
}

std::string stage::name_of(const site& where) const {
  return name(&where == &a ? pair_.a : pair_.b);
}

std::vector<message> stage::of_scenario(const mqtt_peer& client) const {
  auto arrivals = client.arrivals();
  const std::string ours = prefix_ + '/';
  std::erase_if(arrivals, [&](const message& each) {
    return each.topic.starts_with(ours) || each.topic.starts_with('$') ||
           each.payload.starts_with(probe);
  });
  return arrivals;
}

message text_message(std::string topic, std::string payload) {
  message made;
  made.topic = std::move(topic);
  made.payload = std::move(payload);
  made.qos = 1;
  return made;
}

strings payloads(const std::vector<message>& arrivals) {
  strings all;
  for (const message& each : arrivals) all.push_back(each.payload);
  return all;
}

}  // namespace linkd::test

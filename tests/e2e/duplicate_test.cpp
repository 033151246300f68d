// Two daemons that run for one deployment: told in words an operator understands, and no storm.
#include <signal.h>

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <sstream>

#include "tests/e2e/http.hpp"
#include "tests/e2e/site.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/mqtt_peer.hpp"
#include "tests/support/ports.hpp"

using namespace linkd;
using namespace linkd::test;

namespace {

constexpr std::chrono::seconds fight{120};  // attempts become rare

void replace(std::string& text, const std::string& part, const std::string& by) {
  text.replace(text.find(part), part.size(), by);
}

// A second daemon for the deployment of `first`: the same broker and links, its own state.
class second_daemon {
 public:
  second_daemon(const site& first, const std::string& broker_yaml) : admin_port_(free_port()) {
    std::string text = read_file(first.configuration());
    replace(text, first.state().string(), (first.directory() / "second-state").string());
    replace(text, std::to_string(first.admin_port()), std::to_string(admin_port_));
    replace(text, std::to_string(first.listen_port()), std::to_string(free_port()));
    replace(text, "broker:\n", "broker:\n" + broker_yaml);
    const auto file = first.directory() / "second.yaml";
    write_file(file, text);
    daemon_.emplace(process_settings{
        {daemon_program(), "-c", file.string()}, {}, first.directory() / "second.log"});
  }
  ~second_daemon() {
    daemon_->signal(SIGTERM);
    daemon_->wait(patience);
  }

  [[nodiscard]] std::uint16_t admin_port() const { return admin_port_; }

 private:
  const std::uint16_t admin_port_;
  std::optional<process> daemon_;
};

bool says(std::uint16_t admin_port, const std::string& words) {
  return http_get(admin_port, "/api/v1/status").body.find(words) != std::string::npos;
}

// When clients with this id connected, in seconds, by the log of the broker.
std::vector<long> connects(const site& at, const std::string& client_id) {
  std::istringstream log(at.broker().log());
  std::vector<long> times;
  for (std::string line; std::getline(log, line);) {
    if (line.find("New client connected") != std::string::npos &&
        line.find(" as " + client_id + " (") != std::string::npos) {
      times.push_back(std::stol(line));
    }
  }
  return times;
}

// From the second daemon's first connect on both connect in turn, five times each, and wait longer
// from time to time: at least 250, 500, 1000, 2000 and 4000 ms.
constexpr std::size_t connects_awaited = 12;
constexpr long seconds_at_least = 6;  // the log has whole seconds

struct pair {
  explicit pair(transport how = transport::mqtt) : a("A"), b("B") {
    a.write_link("B", b.door(how), {"from-b/#"});
    b.write_link("A", "", {"from-a/#"});
    a.start_daemon();
    b.start_daemon();
    REQUIRE(eventually(patience, [&] { return linked(a, b); }));
  }
  // The first daemon has the link to itself again.
  [[nodiscard]] bool carries() {
    mqtt_peer subscriber({.port = b.broker_port(), .client_id = "s", .filters = {"from-a/#"}});
    mqtt_peer publisher({.port = a.broker_port(), .client_id = "p"});
    return eventually(fight, [&] {
      message what;
      what.topic = "from-a/x";
      what.qos = 1;
      publisher.publish(what);
      return subscriber.await_arrivals(1, std::chrono::seconds(1)) && linked(a, b);
    });
  }
  site a, b;
};

}  // namespace

TEST_CASE("duplicate: two daemons with one client id say so and come ever more rarely") {
  pair s;
  auto second = std::make_unique<second_daemon>(s.a, "");
  bool told_by_first = false, told_by_second = false;
  REQUIRE(eventually(fight, [&] {
    told_by_first = told_by_first || says(s.a.admin_port(), "duplicate_client_id");
    told_by_second = told_by_second || says(second->admin_port(), "duplicate_client_id");
    return told_by_first && told_by_second &&
           connects(s.a, "mqtt-linkd-A").size() >= connects_awaited;
  }));
  const auto times = connects(s.a, "mqtt-linkd-A");
  CHECK(times[connects_awaited - 1] - times[1] >= seconds_at_least);
  second.reset();
  CHECK(s.carries());
}

TEST_CASE("duplicate: a second daemon for one deployment is suspected at both ends of a link") {
  const auto how = GENERATE(transport::mqtt, transport::ws);
  CAPTURE(how);
  pair s(how);
  auto second = std::make_unique<second_daemon>(s.a, "  client_id: second\n");
  const std::string words = "perhaps a second daemon runs for A";
  bool told_by_dialler = false, told_by_peer = false;
  REQUIRE(eventually(fight, [&] {
    told_by_dialler =
        told_by_dialler || says(s.a.admin_port(), words) || says(second->admin_port(), words);
    told_by_peer = told_by_peer || says(s.b.admin_port(), words);
    return told_by_dialler && told_by_peer;
  }));
  if (how == transport::mqtt) {
    REQUIRE(eventually(fight, [&] { return connects(s.b, "A:ctl").size() >= connects_awaited; }));
    const auto times = connects(s.b, "A:ctl");
    CHECK(times[connects_awaited - 1] - times[1] >= seconds_at_least);
  }
  second.reset();
  CHECK(s.carries());
}

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "live/session_tracker.hpp"

using namespace linkd::live;

namespace {

using strings = std::vector<std::string>;

// A mosquitto as far as its log and $SYS tell of it.
class model_broker {
 public:
  explicit model_broker(unsigned seed) : random_(seed) {}

  // From now on; before, nobody hears.
  void tell(session_tracker& tracker) {
    tracker_ = &tracker;
    for (const auto kind : {session_tracker::plain, session_tracker::shared}) {
      tracker.on_old_count(kind, told_[kind]);
    }
  }

  std::size_t below(std::size_t bound) { return random_() % bound; }

  void step() {
    const std::string client = "c" + std::to_string(below(8));
    session& s = sessions_[client];
    const std::string filter =
        (below(5) == 0 ? "$share/g/" : "") + std::string("f/") + std::to_string(below(10));
    switch (below(8)) {
      case 0:
      case 1:
        connect(client, s);
        break;
      case 2:
        if (s.connected) end(client, s);
        break;
      case 3:
        if (!s.connected && s.there && s.mqtt5) {  // its expiry interval is over
          notice("Expiring client " + client + " due to timeout.");
          s = {};
        }
        break;
      case 4:
        if (!s.connected) break;
        s.filters.erase(filter);
        line(log_kind::unsubscribe, client + " " + filter);
        break;
      default:
        if (!s.connected) break;
        s.filters.insert(filter);
        line(log_kind::subscribe, client + " 1 " + filter);
    }
  }

  void tick() {
    if (tracker_) tracker_->on_tick();
    std::uint64_t now[2] = {};
    for (const auto& [client, s] : sessions_) {
      for (const auto& filter : s.filters) ++now[filter.starts_with("$share/")];
    }
    for (const auto kind : {session_tracker::plain, session_tracker::shared}) {
      if (tracker_ && now[kind] != told_[kind]) tracker_->on_count(kind, now[kind]);
      told_[kind] = now[kind];
    }
  }
  [[nodiscard]] std::set<std::string> filters() const {
    std::set<std::string> all;
    for (const auto& [client, s] : sessions_) {
      for (const auto& filter : s.filters) {
        all.insert(filter.starts_with("$share/g/") ? filter.substr(9) : filter);
      }
    }
    return all;
  }

 private:
  struct session {
    bool there = false, connected = false, mqtt5 = false, outlives = false;
    std::set<std::string> filters;
  };

  void connect(const std::string& client, session& s) {
    const bool clean = below(2) == 0, mqtt5 = below(2) == 0;
    const bool outlives = mqtt5 ? below(2) == 0 : !clean;
    if (clean || (s.connected && !s.outlives)) s.filters.clear();
    s.there = s.connected = true;
    s.mqtt5 = mqtt5;
    s.outlives = outlives;
    notice("New client connected from 127.0.0.1:1 as " + client + " (p" + (mqtt5 ? "5" : "2") +
           ", c" + (clean ? "1" : "0") + ", k60).");
  }
  void end(const std::string& client, session& s) {
    const char* const texts[] = {" disconnected.", " closed its connection.",
                                 " disconnected due to protocol error."};
    notice("Client " + client + texts[below(3)]);
    s.connected = false;
    if (!s.outlives) s = {};
  }
  void notice(const std::string& text) { line(log_kind::notice, text); }
  void line(log_kind kind, const std::string& text) {
    if (tracker_) tracker_->apply(parse_log_line(kind, "1795361914: " + text));
  }

  session_tracker* tracker_ = nullptr;
  std::mt19937 random_;
  std::map<std::string, session> sessions_;
  std::uint64_t told_[2] = {};
};

}  // namespace

// Goal: a view that says it is complete holds everything that is subscribed to. Method: a model of
// the broker does anything, followed from its start or from some moment on; while the view is
// complete the two are compared after each step.
TEST_CASE("tracker model: a complete view never misses a subscription", "[live]") {
  const auto seed = GENERATE(range(1u, 41u));
  const bool late = GENERATE(false, true);
  CAPTURE(seed, late);
  session_tracker tracker("mqtt-linkd-a", "$LINK", false);
  model_broker broker(seed);
  for (int i = 0; late && i < 50; ++i) broker.step();
  broker.tick();
  broker.tell(tracker);
  int complete = 0, exact = 0;
  for (int round = 0; round < 3000; ++round) {
    CAPTURE(round);
    broker.step();
    if (broker.below(4) == 0) broker.tick();
    if (!tracker.complete()) continue;
    ++complete;
    const auto filters = tracker.filters();
    const std::set<std::string> known(filters.begin(), filters.end());
    const auto actual = broker.filters();
    REQUIRE(std::includes(known.begin(), known.end(), actual.begin(), actual.end()));
    if (known == actual) ++exact;
  }
  CHECK(complete > 100);
  CHECK(exact > complete / 2);
}

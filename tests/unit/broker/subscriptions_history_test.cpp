// Random histories of what we are subscribed to, with a broker that is a map.
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "broker/subscriptions.hpp"
#include "topic/topic.hpp"

using namespace linkd;
using broker_adapter::capture_mode;
using broker_adapter::subscriptions;

namespace {

using packet = subscriptions::packet;

// A broker that keeps subscriptions by filter with their identifiers, and handles packets in order.
struct stage {
  void send(std::size_t packets_max) {
    for (std::size_t i = 0; i < packets_max; ++i) {
      if (auto next = all->save()) {
        saved = *std::move(next);
        all->saved();
      }
      const auto sent = all->next();
      if (!sent) return;
      for (std::size_t k = 0; k < sent->ids.size(); ++k) {
        if (sent->what == packet::kind::subscribe) {
          broker[sent->filters[k]] = sent->ids[k];
        } else {
          broker.erase(sent->filters[k]);
        }
      }
      if (sent->what == packet::kind::subscribe) {
        all->subscribed(*sent, {1});
      } else {
        all->unsubscribed(*sent);
      }
    }
  }
  void run_again(bytes with) { all = std::make_unique<subscriptions>(with, "$LINK/paris/echo"); }

  std::map<std::string, std::uint32_t> broker;
  bytes saved;
  std::unique_ptr<subscriptions> all = std::make_unique<subscriptions>("", "$LINK/paris/echo");
};

}  // namespace

// The broker delivers one copy for each filter that matches, while the wanted set changes at random
// and connections come and go with and without the session. Every message that a filter wanted all
// along matches must be accepted exactly once; others at most once.
TEST_CASE("subscriptions: over random histories each message is accepted exactly once",
          "[subscriptions]") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::vector<std::string> pool{"#",   "a/#", "a/+",   "+/b",  "a/b",
                                      "b/#", "+",   "+/+/c", "a/+/c"};
  const std::vector<std::string> names{"a/b", "a", "b/b", "a/x/c", "c"};
  for (int history = 0; history < 300; ++history) {
    stage s;
    s.all->connected(false, capture_mode::by_identifier);
    for (int step = 0; step < 60; ++step) {
      switch (random() % 6) {
        case 0: {
          std::vector<std::string> next;
          for (const auto& filter : pool) {
            if (random() % 3 == 0) next.push_back(filter);
          }
          s.all->want(topic::minimal_union(next));
          break;
        }
        case 1:
          if (random() % 4 == 0) {
            const bool present = random() % 2 == 0;
            if (!present) s.broker.clear();
            s.all->connected(present, capture_mode::by_identifier);
          }
          break;
        default:
          s.send(1);
      }
      for (const auto& name : names) {
        std::size_t copies = 0, accepted = 0;
        for (const auto& [filter, id] : s.broker) {
          if (!topic::matches(filter, name)) continue;
          ++copies;
          accepted += s.all->accept(name, {id}) ? 1 : 0;
        }
        CAPTURE(history, step, name, copies);
        CHECK(accepted == (copies > 0 ? 1 : 0));
      }
    }
    s.send(1000);
    CHECK(s.all->settled());
  }
}

// The broker is killed now and then and goes back to what it stored last; we end and start again.
TEST_CASE("subscriptions: over random histories with a killed broker it comes to what is wanted",
          "[subscriptions]") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int history = 0; history < 300; ++history) {
    stage s;
    auto stored = s.broker;
    std::vector<std::string> wanted;
    s.all->connected(false, capture_mode::by_identifier);
    for (int step = 0; step < 60; ++step) {
      switch (random() % 8) {
        case 0:
          wanted.clear();
          for (const char* filter : {"a", "b", "c", "d", "e"}) {
            if (random() % 2 == 0) wanted.emplace_back(filter);
          }
          s.all->want(wanted);
          break;
        case 1:
          stored = s.broker;
          break;
        case 2:
          s.broker = stored;
          s.all->connected(true, capture_mode::by_identifier);
          break;
        case 3:
          s.run_again(s.saved);
          s.all->want(wanted);
          s.all->connected(true, capture_mode::by_identifier);
          break;
        default:
          s.send(random() % 4);
      }
    }
    s.send(1000);
    std::vector<std::string> left;
    for (const auto& [filter, id] : s.broker) left.push_back(filter);
    CAPTURE(history);
    CHECK(left == wanted);
  }
}

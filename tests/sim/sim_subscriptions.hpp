#pragma once

#include <memory>
#include <set>
#include <string>

#include "mqtt_linkd/ports/subscription_source.hpp"
#include "tests/sim/world.hpp"

namespace linkd::sim {

class sim_subscription_source;

// What the clients of one site's broker are subscribed to, and whether a daemon can see it.
class sim_subscriptions {
 public:
  explicit sim_subscriptions(world& in) : world_(in) {}

  // The daemon of this site follows what is subscribed to from its next start on; otherwise its
  // interest is static.
  void set_live(bool live) { live_ = live; }
  [[nodiscard]] bool live() const { return live_; }
  void subscribe(const std::string& filter);
  void unsubscribe(const std::string& filter);
  // The broker cannot be asked, or can again.
  void set_visible(bool visible);
  [[nodiscard]] const std::set<std::string>& filters() const { return filters_; }

 private:
  friend class sim_subscription_source;

  world& world_;
  bool live_ = false, visible_ = true;
  std::set<std::string> filters_;
  sim_subscription_source* source_ = nullptr;  // started
};

// The `subscription_source` port of one daemon over them: everything is told a while later.
class sim_subscription_source : public subscription_source {
 public:
  explicit sim_subscription_source(sim_subscriptions& all) : all_(all) {}
  ~sim_subscription_source() override { stop(); }
  void start(subscription_events& events) override;
  void stop() override;

 private:
  friend class sim_subscriptions;
  void tell_all();
  void tell(const std::string& filter, bool added);
  void later(std::function<void()> event);

  sim_subscriptions& all_;
  subscription_events* events_ = nullptr;
  time_point told_up_to_{};  // what happens in order is told in order
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace linkd::sim

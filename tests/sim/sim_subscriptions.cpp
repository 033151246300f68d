#include "tests/sim/sim_subscriptions.hpp"

#include <algorithm>

namespace linkd::sim {

void sim_subscriptions::subscribe(const std::string& filter) {
  if (filters_.insert(filter).second && source_) source_->tell(filter, true);
}

void sim_subscriptions::unsubscribe(const std::string& filter) {
  if (filters_.erase(filter) > 0 && source_) source_->tell(filter, false);
}

void sim_subscriptions::set_visible(bool visible) {
  visible_ = visible;
  if (source_) source_->tell_all();
}

void sim_subscription_source::start(subscription_events& events) {
  if (!all_.live_) return;
  events_ = &events;
  all_.source_ = this;
  tell_all();
}

void sim_subscription_source::stop() {
  if (all_.source_ == this) all_.source_ = nullptr;
  alive_ = std::make_shared<char>();
}

void sim_subscription_source::tell_all() {
  if (all_.visible_) {
    later([this, filters = all_.filters_] {
      events_->on_subscriptions({filters.begin(), filters.end()});
    });
  } else {
    later([this] { events_->on_subscriptions_unknown("the broker cannot be asked"); });
  }
}

void sim_subscription_source::tell(const std::string& filter, bool added) {
  if (!all_.visible_) return;
  later([this, filter, added] {
    if (added) {
      events_->on_subscriptions_changed({filter}, {});
    } else {
      events_->on_subscriptions_changed({}, {filter});
    }
  });
}

void sim_subscription_source::later(std::function<void()> event) {
  world& in = all_.world_;
  told_up_to_ =
      std::max<time_point>(told_up_to_, in.now() + in.between(microseconds(100), milliseconds(50)));
  in.after(told_up_to_ - in.now(), [event = std::move(event), alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) event();
  });
}

}  // namespace linkd::sim

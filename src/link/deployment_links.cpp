#include <algorithm>

#include "link/deployment.hpp"
#include "mqtt_linkd/limits.hpp"

// Which links there are: the configuration's, as far as their state can be used.
namespace linkd::link {

void deployment::apply(const std::vector<link_settings>& links) {
  std::vector<std::string> gone;
  for (const auto& each : links_) {
    const bool stays = std::any_of(links.begin(), links.end(), [&](const link_settings& settings) {
      return settings.name == each.first;
    });
    if (!stays) gone.push_back(each.first);
  }
  for (const std::string& name : gone) remove(name);
  unusable_.clear();
  for (const link_settings& settings : links) {
    const auto found = links_.find(settings.name);
    if (found == links_.end()) {
      add(settings);
    } else if (found->second.the->settings() != settings) {
      found->second.the->configure(settings);
      env_.log.write(log_level::info, "link_changed", settings.name,
                     "the new configuration is in force");
    }
  }
  capturing_.ask();
  settle();
}

void deployment::add(const link_settings& settings) {
  if (links_.size() >= limits::links_max) {
    env_.log.write(log_level::error, "link_unusable", settings.name,
                   "there are " + std::to_string(limits::links_max) + " links already");
    return;
  }
  std::vector<queue::damage> found;
  auto store = link_store::open(env_, settings, found);
  for (const queue::damage& one : found) {
    env_.log.write(log_level::error, "state_damaged", settings.name, one.where + ": " + one.what);
  }
  if (!store) {
    set_aside(settings, store.error().text);
    return;
  }
  unusable_.erase(settings.name);
  const interest::link_index index = free_index();
  auto made = std::make_unique<link>(env_, us_, settings, local_, std::move(*store), delivery_,
                                     static_cast<link_events&>(*this));
  if (by_index_.size() <= index) by_index_.resize(index + 1, nullptr);
  by_index_[index] = made.get();
  links_.emplace(settings.name, member{std::move(made), index});
}

void deployment::set_aside(const link_settings& settings, const std::string& reason) {
  next_retry_ = env_.time.now() + limits::unusable_link_interval;
  unusable_link& what = unusable_[settings.name];
  if (what.reason == reason) return;  // as told before
  what = {settings, reason, env_.time.unix_time()};
  env_.log.write(log_level::error, "link_unusable", settings.name,
                 reason + "; tried again from time to time");
}

void deployment::retry_unusable(time_point now) {
  if (unusable_.empty() || now < next_retry_ || stop_deadline_) return;
  std::vector<link_settings> again;
  for (const auto& [name, each] : unusable_) again.push_back(each.settings);
  for (const link_settings& each : again) {
    add(each);
    if (links_.count(each.name) == 0) continue;
    env_.log.write(log_level::info, "link_usable", each.name, "its state can be used again");
    capturing_.ask();
  }
  if (unusable_.empty() && std::exchange(capture_waits_, false)) next_broker_start_ = now;
}

void deployment::remove(const std::string& name) {
  const auto found = links_.find(name);
  found->second.the->stop("the link was removed from the configuration of " + us_.deployment);
  interest_.erase(found->second.index);
  by_index_[found->second.index] = nullptr;
  links_.erase(found);
  env_.log.write(log_level::info, "link_removed", name, "its queue stays on disk");
}

interest::link_index deployment::free_index() const {
  return static_cast<interest::link_index>(std::find(by_index_.begin(), by_index_.end(), nullptr) -
                                           by_index_.begin());
}

}  // namespace linkd::link

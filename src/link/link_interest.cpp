#include <algorithm>

#include "link/link.hpp"

// What the two sides ask of each other.
namespace linkd::link {

// --- what we ask
// --------------------------------------------------------------------------------------

void link::on_local_view() {
  narrowed_.restart();
}

void link::on_local_change(const std::vector<std::string>& added,
                           const std::vector<std::string>& removed) {
  const time_point now = env_.time.now();
  for (const std::string& filter : removed) narrowed_.remove(filter, now);
  for (const std::string& filter : added) narrowed_.add(filter);
}

void link::settle_interest(time_point now) {
  narrowed_.on_time(now);
  if (narrowed_.changed()) announcing_.ask();
  if (announcing_.due(now)) announce(now);
  if (saving_interest_.due(now)) save_interest();
}

void link::announce(time_point now) {
  announcing_.done(now, interest_pause(narrowed_.announced().size()));
  const auto [added, removed] = narrowed_.take_difference();
  const auto change = announced_.apply(added, removed);
  if (!change) return;
  ++counters_.interest_updates_out;
  if (channel* used = active()) {
    used->session()->announce(*change, now);
    apply_effects(*used);
  }
}

std::optional<time_point> link::interest_deadline() const {
  std::optional<time_point> next;
  for (const auto due :
       {narrowed_.deadline(), announcing_.deadline(), saving_interest_.deadline()}) {
    if (due) next = next ? std::min(*next, *due) : *due;
  }
  return next;
}

// --- what the peer asks
// -------------------------------------------------------------------------------

std::vector<std::string> link::effective() const {
  if (!settings_.enable || !kept_interest_) return {};
  return interest::effective_filters(*kept_interest_, settings_.allow);
}

bool link::knows_interest() const {
  return !settings_.enable || kept_interest_;
}

// What is captured must be on disk first: the broker keeps our subscription when we are killed, and
// what it has for us must find its link in our next life.
void link::save_interest() {
  // A session may end before the peer has told anything: that is not an interest in nothing.
  if (!kept_interest_ && view_.current().version == 0) return;
  saving_interest_.done(env_.time.now(), interest_pause(view_.filters().size()));
  last_seen_ = env_.time.unix_time();
  interest_unsaved_ = false;
  std::vector<std::string> filters(view_.filters().begin(), view_.filters().end());
  store_->save_interest({last_seen_, filters}, [this, alive = std::weak_ptr(alive_),
                                                filters](const result<void>& saved) mutable {
    if (!alive.expired()) on_interest_saved(std::move(filters), saved);
  });
}

// A disk that refuses this file does not keep the peer from what its queue may still take.
void link::on_interest_saved(std::vector<std::string> filters, const result<void>& saved) {
  if (!saved) {
    interest_unsaved_ = true;
    env_.log.write(log_level::error, "interest_not_saved", settings_.name, saved.error().text);
  }
  if (filters == kept_interest_) return;
  kept_interest_ = std::move(filters);
  events_.on_interest_changed();
  events_.on_link_event();
}

void link::expire_interest() {
  if (active()) {
    last_seen_ = env_.time.unix_time();
    return;
  }
  if (env_.time.unix_time() - last_seen_ < settings_.interest_expiry) return;
  if (!view_.clear()) return;
  env_.log.write(log_level::warning, "interest_expired", settings_.name,
                 "the peer has been away for longer than interest_expiry; nothing is captured for "
                 "it any more");
  save_interest();
}

}  // namespace linkd::link

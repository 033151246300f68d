#include "live/session_tracker.hpp"

#include <algorithm>
#include <utility>

#include "live/local_filter.hpp"
#include "mqtt_linkd/limits.hpp"

namespace linkd::live {
namespace {

constexpr std::size_t session_overhead_bytes = 128;

session_tracker::kind kind_of(std::string_view subscribed) {
  return subscribed.starts_with("$share/") ? session_tracker::shared : session_tracker::plain;
}

}  // namespace

session_tracker::session_tracker(std::string our_client_id, std::string control_prefix,
                                 bool trust_count)
    : our_client_id_(std::move(our_client_id)),
      control_prefix_(std::move(control_prefix)),
      trust_count_(trust_count),
      reason_("waiting for the broker's count of subscriptions") {}

// --- lines
// --------------------------------------------------------------------------------------------

void session_tracker::apply(const log_line& line) {
  std::visit([&](const auto& each) { on_line(each); }, line);
  if (subscriptions() > limits::subscriptions_max || bytes_ > limits::subscription_bytes_max) {
    forget_all();
    set_unproven("the broker has more than " + std::to_string(limits::subscriptions_max) +
                 " subscriptions, too many to follow");
  }
}

void session_tracker::on_line(const subscribed_line& line) {
  if (line.readings.empty()) return on_gap("a line of the broker's log could not be understood");
  std::vector<const subscription*> likely;
  for (const subscription& each : line.readings) {
    if (sessions_.count(each.client) > 0) likely.push_back(&each);
  }
  if (likely.empty()) {  // it connected before we looked
    for (const subscription& each : line.readings) likely.push_back(&each);
  }
  for (const subscription* each : likely) {
    add(find_or_add(each->client), each->filter, likely.size() > 1);
  }
}

void session_tracker::on_line(const unsubscribed_line& line) {
  std::vector<std::pair<sessions::iterator, const std::string*>> likely;
  for (const subscription& each : line.readings) {
    const auto found = sessions_.find(each.client);
    if (found != sessions_.end() && found->second.filters.count(each.filter) > 0) {
      likely.emplace_back(found, &each.filter);
    }
  }
  for (const auto& [of, filter] : likely) {
    if (likely.size() == 1) {
      erase(of, *filter);
    } else {
      set_doubt(of, of->second.filters.find(*filter)->second, *filter, doubt::fresh);
    }
  }
}

void session_tracker::on_line(const connected_line& line) {
  if (line.readings.size() == 1) return connect(line.readings.front());
  for (const connected_line::reading& each : line.readings) {
    const auto found = sessions_.find(each.client);
    if (found == sessions_.end()) continue;
    doubt_all(found);
    found->second.lasts = lifetime::unknown;
  }
}

void session_tracker::connect(const connected_line::reading& as) {
  const auto at = find_or_add(as.client);
  session& was = at->second;
  if (as.clean || (was.connected && was.lasts == lifetime::connection)) {
    erase_all(at);
  } else if (was.connected && was.lasts == lifetime::unknown) {
    doubt_all(at);
  }
  was.connected = true;
  was.lasts = as.mqtt5   ? lifetime::unknown  // the expiry interval is not logged
              : as.clean ? lifetime::connection
                         : lifetime::longer;
}

void session_tracker::on_line(const ended_line& line) {
  std::vector<std::pair<sessions::iterator, bool>> likely;
  for (const ended_line::reading& each : line.readings) {
    const auto found = sessions_.find(each.client);
    if (found != sessions_.end()) likely.emplace_back(found, each.orderly);
  }
  for (const auto& [which, orderly] : likely) end(which, orderly && likely.size() == 1);
}

void session_tracker::end(sessions::iterator which, bool surely_ended) {
  session& ended = which->second;
  ended.connected = false;
  if (ended.lasts == lifetime::connection && surely_ended) erase_all(which);
  if (ended.lasts != lifetime::longer) doubt_all(which);
  if (ended.filters.empty()) drop(which);
}

void session_tracker::on_line(const expired_line& line) {
  const auto found = sessions_.find(line.client);
  if (found == sessions_.end()) return;
  erase_all(found);
  drop(found);
}

void session_tracker::on_line(const dropping_line& line) {
  if (line.client == our_client_id_ + ":live") {
    on_gap("the broker drops log messages: set `max_queued_messages 0` in mosquitto.conf");
  }
}

// --- subscriptions
// ------------------------------------------------------------------------------------

session_tracker::sessions::iterator session_tracker::find_or_add(const std::string& client) {
  const auto [at, fresh] = sessions_.try_emplace(client);
  if (fresh) {
    at->second.connected = true;
    bytes_ += client.size() + session_overhead_bytes;
  }
  return at;
}

void session_tracker::add(sessions::iterator to, const std::string& filter, bool doubtful) {
  const auto [at, fresh] = to->second.filters.try_emplace(filter, doubt::none);
  if (fresh) {
    const kind which = kind_of(filter);
    ++all_[which].tracked;
    ++revision_[which];
    bytes_ += filter.size();
    count_filter(to->first, filter, 1);
  }
  if (fresh || !doubtful) {
    set_doubt(to, at->second, filter, doubtful ? doubt::fresh : doubt::none);
  }
}

void session_tracker::set_doubt(sessions::iterator of, doubt& entry, const std::string& filter,
                                doubt to) {
  if (entry == to) return;
  tally& all = all_[kind_of(filter)];
  ++revision_[kind_of(filter)];
  if (entry == doubt::fresh) --all.fresh;
  if (entry == doubt::old) {  // it was there or not
    --all.old;
    if (all.old_min > 0) --all.old_min;
    all.old_max = std::min(all.old_max, all.old);
  }
  entry = to;
  if (to == doubt::fresh) ++all.fresh;
  if (to == doubt::old) ++all.old;
  if (to != doubt::none) doubtful_.insert(of->first);  // tidied by settle()
}

void session_tracker::doubt_all(sessions::iterator of) {
  for (auto& [filter, entry] : of->second.filters) set_doubt(of, entry, filter, doubt::fresh);
}

void session_tracker::erase(sessions::iterator of, const std::string& filter) {
  const auto at = of->second.filters.find(filter);
  set_doubt(of, at->second, at->first, doubt::none);
  const kind which = kind_of(filter);
  --all_[which].tracked;
  ++revision_[which];
  bytes_ -= filter.size();
  count_filter(of->first, filter, -1);
  of->second.filters.erase(at);
}

void session_tracker::erase_all(sessions::iterator of) {
  while (!of->second.filters.empty()) {
    const std::string filter = of->second.filters.begin()->first;
    erase(of, filter);
  }
}

// Of one without subscriptions.
void session_tracker::drop(sessions::iterator which) {
  bytes_ -= which->first.size() + session_overhead_bytes;
  doubtful_.erase(which->first);
  sessions_.erase(which);
}

void session_tracker::forget_all() {
  while (!sessions_.empty()) {
    erase_all(sessions_.begin());
    drop(sessions_.begin());
  }
}

void session_tracker::settle(kind which, verdict fresh, verdict old) {
  for (const std::string& client : std::exchange(doubtful_, {})) {
    const auto of = sessions_.find(client);
    if (of == sessions_.end()) continue;
    std::vector<std::string> gone;
    for (auto& [filter, entry] : of->second.filters) {
      if (entry == doubt::none) continue;
      const verdict what = entry == doubt::fresh ? fresh : old;
      if (kind_of(filter) != which) {
        doubtful_.insert(client);
      } else if (what == verdict::gone) {
        gone.push_back(filter);
      } else {
        set_doubt(of, entry, filter, what == verdict::there ? doubt::none : doubt::old);
        if (what == verdict::open) doubtful_.insert(client);
      }
    }
    for (const std::string& filter : gone) erase(of, filter);
    if (of->second.filters.empty() && !of->second.connected) drop(of);
  }
}

void session_tracker::count_filter(const std::string& client, const std::string& filter, int by) {
  if (is_linkd_client(client, our_client_id_)) return;
  const auto wanted = local_filter(filter, control_prefix_);
  if (!wanted) return;
  std::size_t& count = counts_[*wanted];
  const bool was_there = count > 0;
  count += static_cast<std::size_t>(by);
  if (was_there != (count > 0)) touched_.try_emplace(*wanted, was_there);
  if (count == 0) counts_.erase(*wanted);
}

session_tracker::difference session_tracker::take_difference() {
  difference out;
  for (auto& [filter, was_there] : touched_) {
    const bool is_there = counts_.count(filter) > 0;
    if (is_there && !was_there) out.added.push_back(filter);
    if (!is_there && was_there) out.removed.push_back(filter);
  }
  touched_.clear();
  return out;
}

std::vector<std::string> session_tracker::filters() const {
  std::vector<std::string> all;
  for (const auto& [filter, count] : counts_) all.push_back(filter);
  return all;
}

// --- counts
// -------------------------------------------------------------------------------------------

void session_tracker::on_count(kind which, std::uint64_t value) {
  last_count_[which] = value;
  counted_[which] = true;
  evaluate(which, value);
}

void session_tracker::on_connection() {
  last_count_ = {};
  revision_at_tick_ = {};
  counted_ = {};
}

void session_tracker::on_old_count(kind which, std::uint64_t value) {
  last_count_[which] = value;
}

// A count that has not changed is not told. That it was so at the last tick is known by the next
// one; what it is compared with must not have changed since.
void session_tracker::on_tick() {
  for (const kind which : {plain, shared}) {
    const bool silent = !counted_[which] && last_count_[which];
    if (silent && revision_at_tick_[which] == revision_[which]) {
      evaluate(which, *last_count_[which]);
    }
    counted_[which] = false;
    revision_at_tick_[which] = revision_[which];
  }
}

void session_tracker::evaluate(kind which, std::uint64_t value) {
  const tally all = all_[which];
  if (value < all.certain()) {
    forget_all();
    return set_unproven(
        "the broker has fewer subscriptions than its log tells; mosquitto.conf needs `log_type "
        "notice` and `connection_messages true`");
  }
  if (proven_[which] && value > all.tracked) return on_gap("a line of the broker's log was lost");
  const std::size_t left = value - all.certain();  // of the doubtful
  if (left == 0) {
    settle(which, verdict::gone, verdict::gone);
    proven_[which] = true;
  } else if (value == all.tracked && (proven_[which] || trust_count_)) {
    settle(which, verdict::there, verdict::there);
    proven_[which] = true;
  } else if (proven_[which]) {
    const verdict fresh = left == all.old_min               ? verdict::gone
                          : left == all.old_max + all.fresh ? verdict::there
                                                            : verdict::open;
    settle(which, fresh, verdict::open);
    all_[which].old_min = all_[which].old_max = fresh == verdict::there ? left - all.fresh : left;
  } else {
    reason_ = std::to_string(left) + " of the broker's " + std::to_string(value) +
              (which == plain ? "" : " shared") +
              " subscriptions may be older than our view of its log; it is complete when they are "
              "made anew, as after a restart of the broker with `persistence true`";
  }
}

void session_tracker::on_gap(const std::string& why) {
  if (trust_count_) {
    for (auto each = sessions_.begin(); each != sessions_.end(); ++each) doubt_all(each);
  } else {
    forget_all();
  }
  set_unproven(why);
}

void session_tracker::set_unproven(std::string reason) {
  proven_ = {};
  reason_ = std::move(reason);
}

}  // namespace linkd::live

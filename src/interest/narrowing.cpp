#include "interest/narrowing.hpp"

#include <algorithm>
#include <utility>

#include "topic/topic.hpp"

namespace linkd::interest {
namespace {

std::size_t level_count(const std::string& filter) {
  return static_cast<std::size_t>(std::count(filter.begin(), filter.end(), '/')) + 1;
}

}  // namespace

narrowing::narrowing(std::vector<std::string> topics, const local_view& local,
                     std::size_t filters_max)
    : topics_(std::move(topics)), local_(local), filters_max_(filters_max) {
  restart();
}

void narrowing::configure(std::vector<std::string> topics) {
  topics_ = std::move(topics);
  restart();
}

void narrowing::restart() {
  leaving_.clear();
  wanted_.clear();
  cover_.clear();
  levels_.reset();
  count_all();
}

void narrowing::count_all() {
  if (local_.complete) {
    for (const std::string& filter : local_.filters) add(filter);
  } else {
    for (const std::string& filter : topics_) count(filter);
  }
}

std::vector<std::string> narrowing::parts(const std::string& filter,
                                          std::optional<std::size_t> levels) const {
  return topic::intersect(topic::shorten(filter, levels.value_or(limits::topic_levels_max),
                                         limits::announced_filter_bytes_max),
                          topics_);
}

void narrowing::add(const std::string& filter) {
  for (const std::string& part : parts(filter, levels_)) count(part);
}

void narrowing::count(const std::string& part) {
  const auto [at, fresh] = wanted_.try_emplace(part);
  if (at->second.count++ > 0) return;
  if (fresh) {
    cover_.insert(part);
  } else {
    leaving_.erase({at->second.leaves_at, &at->first});
  }
}

void narrowing::remove(const std::string& filter, time_point now) {
  for (const std::string& part : parts(filter, levels_)) {
    const auto found = wanted_.find(part);
    if (found == wanted_.end() || found->second.count == 0) continue;
    if (--found->second.count == 0) leave(found, now + local_.linger);
  }
}

void narrowing::leave(wants::iterator which, time_point at) {
  which->second.leaves_at = at;
  leaving_.emplace(at, &which->first);
  if (leaving_.size() > limits::lingering_filters_max) withdraw_first();
}

void narrowing::withdraw_first() {
  const auto first = leaving_.begin();
  const auto found = wanted_.find(*first->second);
  leaving_.erase(first);
  cover_.erase(found->first);
  wanted_.erase(found);
}

void narrowing::on_time(time_point now) {
  while (!leaving_.empty() && leaving_.begin()->first <= now) withdraw_first();
  review(now);
}

std::optional<time_point> narrowing::deadline() const {
  std::optional<time_point> next;
  if (!leaving_.empty()) next = leaving_.begin()->first;
  if (levels_) next = next ? std::min(*next, next_review_) : next_review_;
  return next;
}

// --- summaries
// ----------------------------------------------------------------------------------------

void narrowing::review(time_point now) {
  if (!local_.complete) return;
  const bool too_many = cover_.minimal().size() > filters_max_;
  if (too_many && levels_ != 0) {
    const auto best = best_levels();
    best == levels_ ? withdraw_oldest() : set_levels(best, now);
  } else if (levels_ && now >= next_review_) {
    const auto best = best_levels();
    if (best != levels_) set_levels(best, now);
    next_review_ = now + limits::summary_review_interval;
  }
}

// It is what lingers that is too much. A tenth less than the limit: the next look is not at once.
void narrowing::withdraw_oldest() {
  const std::size_t enough = filters_max_ - filters_max_ / 10;
  while (!leaving_.empty() && cover_.minimal().size() > enough) withdraw_first();
}

// Whether the filters cut to `levels` are few enough; gives up counting when they are not.
bool narrowing::fits(std::optional<std::size_t> levels) const {
  std::unordered_set<std::string> shortened, distinct;
  for (const std::string& filter : local_.filters) {
    std::string cut = topic::shorten(filter, levels.value_or(limits::topic_levels_max),
                                     limits::announced_filter_bytes_max);
    if (!shortened.insert(cut).second) continue;
    for (std::string& part : topic::intersect(cut, topics_)) distinct.insert(std::move(part));
    if (distinct.size() > filters_max_ / 2) return false;
  }
  return true;
}

// The largest number of levels that fits (or nearly: fewer levels need not mean fewer filters);
// none: no need to cut anything.
std::optional<std::size_t> narrowing::best_levels() const {
  if (fits(std::nullopt)) return std::nullopt;
  std::size_t too_many = 1;
  for (const std::string& filter : local_.filters) {
    too_many = std::max(too_many, level_count(filter));
  }
  std::size_t best = 0;
  while (too_many - best > 1) {
    const std::size_t middle = best + (too_many - best) / 2;
    (fits(middle) ? best : too_many) = middle;
  }
  return best;
}

// What is wanted now and will not be counted any more lingers: the peer has the new filters before
// the old ones go.
void narrowing::set_levels(std::optional<std::size_t> levels, time_point now) {
  levels_ = levels;
  next_review_ = now + limits::summary_review_interval;
  leaving_.clear();
  const wants before = std::exchange(wanted_, {});
  for (const auto& [part, old] : before) wanted_.try_emplace(part);
  for (const std::string& filter : local_.filters) {
    for (const std::string& part : parts(filter, levels_)) {
      const auto [at, fresh] = wanted_.try_emplace(part);
      if (fresh) cover_.insert(part);
      ++at->second.count;
    }
  }
  for (auto each = wanted_.begin(); each != wanted_.end(); ++each) {
    if (each->second.count > 0) continue;
    each->second.leaves_at = now + local_.linger;
    leaving_.emplace(each->second.leaves_at, &each->first);
  }
  while (leaving_.size() > limits::lingering_filters_max) withdraw_first();
}

}  // namespace linkd::interest

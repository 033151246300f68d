#include "live/polling_source.hpp"

#include <algorithm>

#include "live/dotted_readings.hpp"
#include "live/local_filter.hpp"
#include "mqtt_linkd/limits.hpp"

namespace linkd::live {
namespace {

constexpr milliseconds pause_min{200};  // between polls, however many events ask for one
constexpr int pause_factor = 10;        // of the time a poll takes
constexpr milliseconds failure_delay_max{60'000};

}  // namespace

polling_source::polling_source(boost::asio::io_context& io, const daemon_settings& settings,
                               clock& time, random_source& random, logger& log)
    : time_(time),
      random_(random),
      log_(log),
      settings_(settings.interest),
      our_client_id_(settings.broker.client_id),
      control_prefix_(settings.control_prefix),
      api_(make_management_api(settings.interest.source)),
      http_(io, settings.interest.server, settings.interest.login),
      follower_(io, settings.broker, seconds(0), api_->triggers(), random, *this),
      timer_(io),
      failure_delay_(settings.interest.poll,
                     std::max<milliseconds>(failure_delay_max, settings.interest.poll)) {}

void polling_source::start(subscription_events& events) {
  events_ = &events;
  follower_.start();
  poll();
}

void polling_source::stop() {
  events_ = nullptr;
  timer_.cancel();
  follower_.stop();
}

void polling_source::poll_soon() {
  if (polling_) {
    again_ = true;
  } else if (complete_at_) {
    poll_at(std::max(time_.now(), poll_began_ + pause_min));
  }
}

void polling_source::on_follow_refused(const std::string& filter, std::uint8_t) {
  if (std::exchange(refusal_logged_, true)) return;
  log_.write(log_level::info, "interest_without_events", "",
             "the local broker does not let us subscribe to " + filter +
                 ": changes are seen at the next poll");
}

// --- polls
// --------------------------------------------------------------------------------------------

void polling_source::poll_at(time_point when) {
  timer_.expires_after(std::max<microseconds>(when - time_.now(), microseconds(0)));
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code cancelled) {
    if (!cancelled && alive.lock() && events_ && !polling_) poll();
  });
}

void polling_source::poll() {
  polling_ = true;
  again_ = false;
  poll_began_ = time_.now();
  page_ = 1;
  rows_ = 0;
  found_.clear();
  ask();
}

void polling_source::ask() {
  http_.get(api_->target(page_), [this](result<http_answer> answer) {
    if (events_) on_answer(answer);
  });
}

void polling_source::on_answer(const result<http_answer>& answer) {
  const auto page = read(answer);
  if (!page) return fail(page.error().text);
  rows_ += page->rows.size();
  if (rows_ > limits::subscriptions_max) {
    return fail("the broker has more than " + std::to_string(limits::subscriptions_max) +
                " subscriptions, too many to follow");
  }
  for (const management_api::row& each : page->rows) {
    if (is_linkd_client(each.client, our_client_id_)) continue;
    if (auto filter = local_filter(each.filter, control_prefix_)) found_.insert(*std::move(filter));
  }
  if (page->last) return finish();
  ++page_;
  ask();
}

result<management_api::page> polling_source::read(const result<http_answer>& answer) const {
  if (!answer) return answer.error();
  if (answer->status == 401 || answer->status == 403) {
    return error{errc::permission, to_string(settings_.server) + " answers " +
                                       std::to_string(answer->status) +
                                       ": check username and password of `interest`"};
  }
  if (answer->status != 200) {
    return error{errc::io, to_string(settings_.server) + " answers " +
                               std::to_string(answer->status) + " to " + api_->target(page_)};
  }
  return api_->parse(answer->body);
}

// What a broker that hides them may have meant by `/`; too many would only be summarised to `#`.
// Answers what is to be said about it.
std::string polling_source::add_dotted() {
  const std::size_t subscribed = found_.size();
  std::size_t limited = 0;
  filters dotted;
  for (const std::string& filter : found_) {
    auto readings = read_dotted(filter);
    if (!readings.all) ++limited;
    for (std::string& each : readings.filters) dotted.insert(std::move(each));
  }
  const bool too_many = dotted.size() > dotted_readings::total_max;
  if (too_many) {
    limited = found_.size();
  } else {
    found_.merge(dotted);
  }
  std::string note;
  if (limited > 0) {
    note = "the broker tells . and / alike, and of " + std::to_string(limited) + " filters " +
           (too_many ? "no topic with a . in place of a / is asked for, there are too many"
                     : "topics with more than one . in place of a / are not asked for") +
           "; if there are such topics, use interest.source static";
    if (!limit_logged_) log_.write(log_level::warning, "interest_without_dots", "", note);
  } else if (found_.size() > subscribed) {
    note = "the broker tells . and / alike: " + std::to_string(found_.size() - subscribed) +
           " filters with a . are asked for as well";
  }
  limit_logged_ = limited > 0;
  return note;
}

void polling_source::finish() {
  polling_ = false;
  failure_delay_.reset();
  told_reason_.clear();
  const std::string note = api_->hides_dots() ? add_dotted() : "";
  const time_point now = time_.now();
  if (!complete_at_) {
    in_force_ = std::exchange(found_, {});
    told_note_.clear();
    events_->on_subscriptions({in_force_.begin(), in_force_.end()});
  } else {
    follow();
  }
  if (note != told_note_) events_->on_subscriptions_note(told_note_ = note);
  complete_at_ = now;
  const auto pause = std::max<microseconds>(settings_.poll, (now - poll_began_) * pause_factor);
  poll_at(again_ ? std::max(now, poll_began_ + pause_min) : poll_began_ + pause);
}

// From the view in force to what was found.
void polling_source::follow() {
  std::vector<std::string> added, removed;
  for (const std::string& filter : found_) {
    if (in_force_.insert(filter).second) added.push_back(filter);
  }
  // What moves from one page to another while we read is missed once.
  filters missing;
  for (const std::string& filter : in_force_) {
    if (found_.count(filter) > 0) continue;
    if (page_ > 1 && missing_.count(filter) == 0) {
      missing.insert(filter);
    } else {
      removed.push_back(filter);
    }
  }
  for (const std::string& filter : removed) in_force_.erase(filter);
  missing_ = std::move(missing);
  if (!added.empty() || !removed.empty()) events_->on_subscriptions_changed(added, removed);
}

void polling_source::fail(const std::string& reason) {
  polling_ = false;
  const time_point now = time_.now();
  const auto age_max =
      std::max<microseconds>(limits::subscription_view_age_max, 3 * settings_.poll);
  if ((!complete_at_ || now - *complete_at_ > age_max) && reason != told_reason_) {
    complete_at_.reset();
    missing_.clear();
    told_reason_ = reason;
    events_->on_subscriptions_unknown(reason);
  }
  poll_at(now + failure_delay_.next(random_));
}

}  // namespace linkd::live

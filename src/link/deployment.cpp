#include "link/deployment.hpp"

#include <algorithm>

#include "base/coding.hpp"
#include "mqtt_linkd/limits.hpp"
#include "mqtt_linkd/mqtt_reason.hpp"
#include "queue/slot_file.hpp"
#include "wire/record.hpp"

namespace linkd::link {
namespace {

constexpr seconds stop_time_max{5};
constexpr milliseconds stop_check_interval{20};
constexpr const char* disk_late_reason =
    "capture waits for the disk: writing a batch of messages takes unusually long";

std::string capture_advice(std::uint8_t code) {
  if (code == mqtt_reason::topic_filter_invalid) {
    return "the broker takes no such filter (ejabberd: max_topic_depth): narrow `allow`";
  }
  return "allow it for linkd's user, raise the broker's limit of filters (NATS: a smaller "
         "max_ack_pending) or narrow `allow`";
}

}  // namespace

result<std::uint64_t> next_incarnation(storage& disk) {
  auto slots = queue::slot_file::open(disk, "incarnation");
  if (!slots) return slots.error();
  std::uint64_t incarnation = 0;
  if (slots->value()) {
    bytes_view saved = *slots->value();
    incarnation = take_le<std::uint64_t>(saved).value_or(0);
  }
  bytes next;
  put_le<std::uint64_t>(next, ++incarnation);
  if (const auto written = slots->write(next, true); !written) return written.error();
  return incarnation;
}

deployment::deployment(const environment& env, alarm& wake, const daemon_settings& settings,
                       std::uint64_t incarnation)
    : env_(env),
      wake_(wake),
      us_{settings.deployment, settings.control_prefix, incarnation,
          settings.broker.message_bytes_max},
      delivery_(env.local_broker, env.crashes),
      strangers_(env, settings.deployment),
      local_{false, {}, settings.interest.linger},
      interest_source_(settings.interest.source),
      interest_reason_(interest_source_ == interest_source::fixed
                           ? "topics are asked for as they are"
                           : "waiting for the first complete view"),
      disk_delay_(limits::reconnect_delay_min, limits::reconnect_delay_max),
      broker_since_(env.time.unix_time()) {}

deployment::~deployment() = default;

void deployment::start(const std::vector<link_settings>& links) {
  started_at_ = env_.time.now();
  apply(links);
  env_.subscriptions.start(*this);
  capture_waits_ = !unusable_.empty();
  if (!capture_waits_) return env_.local_broker.start(*this);
  set_broker_state(false, "capture waits for the state of " + unusable_.begin()->first);
  next_broker_start_ = started_at_ + limits::unusable_link_grace;
  settle();
}

// --- paths from peers
// ---------------------------------------------------------------------------------

void deployment::on_inbound(const std::string& peer, std::unique_ptr<path> inbound) {
  const auto found = links_.find(peer);
  if (found == links_.end()) {
    strangers_.receive(peer, std::move(inbound));
  } else {
    found->second.the->on_inbound(std::move(inbound));
  }
  settle();
}

void deployment::on_unreachable(const std::string& peer, const error& why) {
  const auto found = links_.find(peer);
  if (found != links_.end()) found->second.the->on_unreachable(why);
}

// --- capture
// ------------------------------------------------------------------------------------------

bool deployment::state_is_new() const {
  return us_.incarnation == 1 && env_.time.now() - started_at_ < limits::unusable_link_grace;
}

// A message nobody wants, in a session that an earlier life subscribed: a peer may want it whose
// interest was lost with the state directory. For a while the broker keeps it until the peer has
// told.
const link* deployment::link_without_interest(const std::vector<message>& batch) const {
  if (!state_is_new()) return nullptr;
  const auto unknown = std::find_if(links_.begin(), links_.end(), [](const auto& each) {
    return !each.second.the->knows_interest();
  });
  if (unknown == links_.end()) return nullptr;
  const bool all_wanted = std::all_of(batch.begin(), batch.end(), [&](const message& each) {
    std::vector<interest::link_index> wanted_by;
    interest_.match(each.topic, wanted_by);
    return !wanted_by.empty();
  });
  return all_wanted ? nullptr : unknown->second.the.get();
}

void deployment::on_captured(std::vector<message> batch) {
  // What a peer told a moment ago counts, too.
  if (state_is_new() && capturing_.deadline()) refresh_capture(env_.time.now());
  if (const link* unknown = link_without_interest(batch)) {
    env_.local_broker.commit_done(false);
    stop_capture("capture waits until " + unknown->settings().name + " has told what it wants");
    return settle();
  }
  messages_handled_ += batch.size();
  batch_messages_ = batch.size();
  batch_began_ = env_.time.now();
  batch_links_.clear();
  const stamp now = env_.time.unix_time();
  for (const message& each : batch) capture(each, now);
  commit_batch();
  settle();
}

void deployment::capture(const message& what, stamp now) {
  wanted_by_.clear();
  interest_.match(what.topic, wanted_by_);
  if (wanted_by_.empty()) return;
  const bytes record = wire::encode_record(now, what);
  for (const interest::link_index index : wanted_by_) {
    link* each = by_index_[index];
    each->outgoing().append(record, what.qos, what.retain, now, each->is_up());
    if (std::find(batch_links_.begin(), batch_links_.end(), each) == batch_links_.end()) {
      batch_links_.push_back(each);
    }
  }
}

void deployment::commit_batch() {
  ++batch_;
  batch_failed_ = false;
  batch_parts_ = batch_links_.size() + 1;  // one for ourselves: it must not end within the loop
  for (link* each : batch_links_) {
    each->outgoing().commit(
        [this, batch = batch_, alive = std::weak_ptr(alive_)](const result<void>& stored) {
          if (!alive.expired()) on_batch_part(batch, stored);
        });
  }
  on_batch_part(batch_, {});
}

void deployment::on_batch_part(std::uint64_t batch, const result<void>& stored) {
  if (batch != batch_ || batch_parts_ == 0) return;
  if (!stored) {
    batch_failed_ = true;
    batch_failure_ = stored.error().text;
  }
  if (--batch_parts_ > 0) return;
  if (!batch_links_.empty()) {
    commit_time_.observe(env_.time.now() - batch_began_);
  }
  if (std::exchange(disk_late_, false)) {
    env_.log.write(log_level::info, "disk_answers", "", "the commit has ended, capture goes on");
  }
  env_.local_broker.commit_done(!batch_failed_);
  if (!batch_failed_) messages_captured_ += batch_messages_;
  if (batch_failed_) {
    stop_capture("capture stopped, the queues cannot be written: " + batch_failure_);
  } else if (!batch_links_.empty()) {
    disk_delay_.reset();
  }
  settle();
}

// The broker keeps what was not acknowledged until we come back.
void deployment::stop_capture(const std::string& reason) {
  set_broker_state(false, reason);
  delivery_.on_down(false);
  next_broker_start_ = env_.time.now() + disk_delay_.next(env_.random);
}

// Until the disk answers nothing more is captured, and the broker may end the connection.
void deployment::watch_disk(time_point now) {
  if (batch_parts_ == 0 || disk_late_ || now < batch_began_ + limits::commit_patience) return;
  disk_late_ = true;
  env_.log.write(log_level::warning, "disk_late", "", disk_late_reason);
}

void deployment::refresh_capture(time_point now) {
  capturing_.done(now, interest_pause(captured_filters_.size()));
  for (const auto& [name, each] : links_) interest_.set(each.index, each.the->effective());
  std::vector<std::string> wanted = interest_.capture();
  if (wanted == captured_filters_) return;
  captured_filters_ = wanted;
  env_.local_broker.capture(std::move(wanted));
}

// --- the local broker
// ---------------------------------------------------------------------------------

void deployment::on_broker_up(const broker_session& session) {
  std::string reason = session.mqtt5 ? "connected (MQTT 5)" : "connected (MQTT 3.1.1)";
  for (const std::string& each : session.weaker) reason += "; " + each;
  set_broker_state(true, reason);
  if (!session.session_present) {
    ++broker_sessions_lost_;
    env_.log.write(log_level::warning, "broker_session_lost", "",
                   "gap possible: the local broker has lost our session, and with it what was "
                   "published while we were not connected; make it keep sessions on disk "
                   "(mosquitto: persistence true)");
  }
  delivery_.on_up(session);
  settle();
}

void deployment::on_broker_down(const error& reason, bool by_peer) {
  capture_refused_.clear();
  set_broker_state(false, reason.text);
  delivery_.on_down(by_peer);
  settle();
}

void deployment::on_published(const std::vector<publish_outcome>& outcomes) {
  messages_handled_ += outcomes.size();
  for (const publish_outcome& each : outcomes) delivery_.on_published(each);
  settle();
}

void deployment::on_capture_refused(const std::string& filter, std::uint8_t reason_code) {
  capture_refused_.insert(filter);
  env_.log.write(log_level::error, "capture_refused", "",
                 "the local broker refuses our subscription to " + filter + ": " +
                     describe_reason_code(reason_code) + "; " + capture_advice(reason_code));
}

std::string deployment::broker_reason() const {
  if (!broker_up_ || capture_refused_.empty()) return broker_reason_;
  const std::size_t more = capture_refused_.size() - 1;
  return broker_reason_ + "; it refuses our subscription to " + *capture_refused_.begin() +
         (more > 0 ? " and " + std::to_string(more) + " more" : "") + ": see the log";
}

void deployment::set_broker_state(bool up, const std::string& reason) {
  if (up != broker_up_) broker_since_ = env_.time.unix_time();
  if (up != broker_up_ || reason != broker_reason_) {
    env_.log.write(up ? log_level::info : log_level::warning, up ? "broker_up" : "broker_down", "",
                   reason);
  }
  broker_up_ = up;
  broker_reason_ = reason;
}

// --- after every event
// --------------------------------------------------------------------------------

void deployment::on_wake() {
  alarm_at_.reset();
  for (const auto& [name, each] : links_) each.the->on_time();
  const time_point now = env_.time.now();
  watch_disk(now);
  retry_unusable(now);
  strangers_.on_time(now);
  for (const auto& [name, each] : tests_) each->on_time();
  if (next_broker_start_ && now >= *next_broker_start_ && !stop_deadline_) {
    next_broker_start_.reset();
    capture_waits_ = false;
    env_.local_broker.start(*this);
  }
  settle();
}

void deployment::settle() {
  if (settling_) return;  // an event within an event: the outer one settles
  settling_ = true;
  const time_point now = env_.time.now();
  delivery_.pump(now);
  for (const auto& [name, each] : links_) each.the->settle();
  if (capturing_.due(now)) refresh_capture(now);
  settling_ = false;
  tell_tests();
  if (stop_deadline_) {
    settle_stop(now);
    return;
  }
  set_alarm(deadline());
}

void deployment::set_alarm(std::optional<time_point> next) {
  if (next == alarm_at_) return;  // as after most events
  alarm_at_ = next;
  if (next) {
    wake_.wake_at(*next);
  } else {
    wake_.cancel();
  }
}

std::optional<time_point> deployment::deadline() const {
  std::optional<time_point> next = next_broker_start_;
  const auto consider = [&](std::optional<time_point> due) {
    if (due) next = next ? std::min(*next, *due) : *due;
  };
  consider(strangers_.deadline());
  if (!unusable_.empty()) consider(next_retry_);
  if (batch_parts_ > 0 && !disk_late_) consider(batch_began_ + limits::commit_patience);
  consider(capturing_.deadline());
  for (const auto& [name, each] : links_) consider(each.the->deadline());
  for (const auto& [name, each] : tests_) consider(each->deadline());
  return next;
}

void deployment::stop(std::function<void()> stopped) {
  stopped_ = std::move(stopped);
  env_.subscriptions.stop();
  stop_deadline_ = env_.time.now() + stop_time_max;
  tests_.clear();
  for (const auto& [name, each] : links_) each.the->stop(us_.deployment + " is stopping");
  delivery_.pause();
  for (const auto& [name, each] : links_) each.the->incoming().flush();
  settle();
}

void deployment::settle_stop(time_point now) {
  const bool idle = std::all_of(links_.begin(), links_.end(), [](const auto& each) {
    return each.second.the->incoming().idle() && each.second.the->outgoing().idle();
  });
  const bool done = idle && delivery_.inflight() == 0 && batch_parts_ == 0;
  if (!done && now < *stop_deadline_) {
    set_alarm(std::min(*stop_deadline_, now + stop_check_interval));
    return;
  }
  if (!stopped_) return;
  set_alarm(std::nullopt);
  env_.local_broker.stop();
  std::exchange(stopped_, nullptr)();
}

deployment_status deployment::status() const {
  deployment_status status;
  status.deployment = us_.deployment;
  status.broker = {broker_up_, broker_reason(), broker_since_, broker_sessions_lost_};
  if (disk_late_) {
    status.broker.up = false;
    status.broker.reason = disk_late_reason;
  }
  status.interest = {interest_source_,
                     local_.complete || interest_source_ == interest_source::fixed,
                     interest_reason_, local_.filters.size()};
  status.capture_filters = captured_filters_.size();
  status.messages_captured = messages_captured_;
  status.commit_time = commit_time_;
  for (const auto& [name, each] : links_) status.links.push_back(each.the->status());
  for (const auto& [name, each] : unusable_) {
    link_status& without_state = status.links.emplace_back();
    without_state.name = name;
    without_state.state = link_state::down;
    without_state.reason = "its state cannot be used: " + each.reason;
    without_state.since = each.since;
    without_state.queue_limit_bytes = each.settings.queue.bytes_max;
  }
  std::sort(status.links.begin(), status.links.end(),
            [](const link_status& a, const link_status& b) { return a.name < b.name; });
  return status;
}

}  // namespace linkd::link

#include "link/outbox.hpp"

#include <algorithm>
#include <utility>

#include "link/crash_guard.hpp"
#include "mqtt_linkd/limits.hpp"
#include "wire/record.hpp"

namespace linkd::link {

outbox::outbox(const environment& env, const link_settings& settings,
               std::shared_ptr<link_store> store, link_counters& counters)
    : env_(env), settings_(settings), store_(std::move(store)), counters_(counters) {}

void outbox::configure(const link_settings& settings) {
  settings_ = settings;
  messages().configure(settings.queue);
}

void outbox::append(bytes_view record, std::uint8_t qos, bool retain, stamp captured_at,
                    bool link_up) {
  if (qos == 0 && settings_.queue.qos0 == qos0_policy::live && !link_up) {
    ++dropped(drop_reason::qos0_down);
    return;
  }
  const bool strip_retain = retain && settings_.retained == retained_policy::off;
  const bool kept = strip_retain ? messages().append(wire::without_retain(record), captured_at)
                                 : messages().append(record, captured_at);
  if (kept) ++counters_.messages_queued;
  account_removed();
}

void outbox::commit(link_store::outcome done) {
  waiting_.push_back(std::move(done));
  work();
}

void outbox::work() {
  if (working_) return;
  const auto told = std::make_shared<std::vector<link_store::outcome>>(std::move(waiting_));
  waiting_.clear();
  working_ =
      store_->commit([this, told, alive = std::weak_ptr(alive_)](const result<void>& stored) {
        // The batch is told even if the link was removed meanwhile: other links wait for it.
        const bool still_here = !alive.expired();
        if (still_here) working_ = false;
        // What was staged meanwhile is discarded with a batch that failed.
        if (still_here && !stored) {
          forget_lost();
          told->insert(told->end(), waiting_.begin(), waiting_.end());
          waiting_.clear();
        }
        for (const auto& done : *told) done(stored);
        if (still_here && !alive.expired()) {
          if (stored) {
            release_acked();
          } else {
            account_removed();
          }
          work();
        }
      });
  if (!working_) {
    for (const auto& done : *told) done({});
  }
}

void outbox::use_session(const wire::hello& peer, std::uint64_t position) {
  message_bytes_max_ = peer.message_bytes_max;
  had_before_ = position;
  waiting_since_.reset();
}

void outbox::pump(session::link_session& session, const path& way, time_point now) {
  std::vector<queue::damage> found;
  bool read = false;
  session.on_queue_begin(messages().begin());
  while (way.unsent_bytes() < limits::path_unsent_bytes_max) {
    const std::uint64_t waiting_bytes = session.send_position() < sendable_end()
                                            ? messages().bytes_after(session.send_position())
                                            : 0;
    if (waiting_bytes == 0) {
      waiting_since_.reset();
      break;
    }
    if (!waiting_since_) waiting_since_ = now;
    const auto pull = session.want_data(waiting_bytes, *waiting_since_, now);
    if (pull.bytes == 0) break;
    queue::read_batch batch = messages().read(pull.offset, pull.bytes, found);
    isolate_suspects(batch);
    if (batch.end <= pull.offset) break;
    read = true;
    send(session, pull.offset, batch, now);
    if (session.send_position() == pull.offset) break;
    waiting_since_ = now;
  }
  if (!found.empty()) report(found);
  if (read && std::exchange(unreadable_, false)) {
    env_.log.write(log_level::info, "queue_readable", settings_.name,
                   "the queue can be read again");
  }
}

// While a record may come of which the daemon crashed, only what a next life would know again.
std::uint64_t outbox::sendable_end() const {
  const auto& crashes = env_.crashes.crashes();
  const bool suspects = std::any_of(crashes.begin(), crashes.end(), [&](const auto& each) {
    return each.queue_id == messages().log_id() && each.end > messages().begin();
  });
  return suspects ? messages().committed_end() : messages().readable_end();
}

void outbox::isolate_suspects(queue::read_batch& batch) const {
  const auto suspect = [&](std::size_t i) {
    return is_suspect(env_.crashes, messages().log_id(), batch.records[i].offset);
  };
  for (std::size_t i = 1; i < batch.records.size(); ++i) {
    if (!suspect(i - 1) && !suspect(i)) continue;
    batch.end = batch.records[i].offset;
    batch.records.resize(i);
  }
}

void outbox::send(session::link_session& session, std::uint64_t begin,
                  const queue::read_batch& batch, time_point now) {
  const stamp unix_now = env_.time.unix_time();
  std::optional<in_hand> guard;
  if (!batch.records.empty() &&
      !is_poison(env_.crashes, messages().log_id(), batch.records[0].offset)) {
    guard.emplace(env_.crashes,
                  queue_records{messages().log_id(), batch.records[0].offset, batch.end});
  }
  std::vector<wire::numbered_record> records;
  std::vector<examined> all;
  for (const queue::queued_record& queued : batch.records) {
    all.push_back(examine(queued, unix_now));
    if (!all.back().unsendable) records.push_back({queued.offset, queued.body});
  }
  const auto now_ms = static_cast<std::uint64_t>(unix_now.time_since_epoch().count());
  session.send_data(begin, batch.end, records, now_ms, now);
  // What a rewound session sends again is accounted anew.
  while (!unacked_.empty() && unacked_.back().offset >= begin) unacked_.pop_back();
  for (const examined& each : all) {
    if (each.offset >= session.send_position()) break;  // beyond the credit: it comes again
    account_sent(each);
  }
}

outbox::examined outbox::examine(const queue::queued_record& queued, stamp now) {
  if (is_poison(env_.crashes, messages().log_id(), queued.offset)) {
    park(queued, now);
    return {queued.offset, {}, 0, drop_reason::rejected};
  }
  const auto head = wire::peek_record(queued.body);
  if (!head) return {queued.offset, {}, 0, drop_reason::damaged};
  examined what{queued.offset, head->captured_at, head->payload_bytes, std::nullopt};
  if (head->expiry_s && now - head->captured_at >= seconds(*head->expiry_s)) {
    what.unsendable = drop_reason::expired;
  } else if (queued.body.size() > message_bytes_max_) {
    what.unsendable = drop_reason::oversize;
  }
  return what;
}

void outbox::park(const queue::queued_record& poison, stamp now) {
  if (poison.offset < parked_below_) return;
  parked_below_ = poison.offset + 1;
  const auto letter = letter_about_poison(now, poison.body);
  env_.log.write(log_level::warning, "dead_letter", settings_.name,
                 letter.reason + "; not sent, kept in dead-letters/");
  store_->save_dead_letter(letter);
}

void outbox::account_sent(const examined& what) {
  unacked_.push_back(what);
  if (what.unsendable) return;
  ++counters_.messages_sent;
  counters_.payload_bytes_out += what.payload_bytes;
}

result<void> outbox::on_acked(std::uint64_t offset) {
  if (offset > messages().end()) {
    return error{errc::invalid, "the peer acknowledges messages that were never queued"};
  }
  acked_end_ = std::max(acked_end_, offset);
  release_acked();
  return {};
}

// Not before it is stored: if it is lost it is captured again, and counted then.
void outbox::release_acked() {
  const std::uint64_t offset = std::min(acked_end_, messages().committed_end());
  if (offset <= messages().begin()) return;
  const stamp now = env_.time.unix_time();
  // What was sent in an earlier life and is acknowledged in this one.
  const std::uint64_t first_sent = unacked_.empty() ? offset : unacked_.front().offset;
  const std::uint64_t earlier = std::min({offset, first_sent, had_before_});
  if (earlier > messages().begin()) counters_.messages_acked += earlier - messages().begin();
  while (!unacked_.empty() && unacked_.front().offset < offset) {
    // Below the queue's begin it has been counted as dropped already.
    if (unacked_.front().offset >= messages().begin()) account_acked(unacked_.front(), now);
    unacked_.pop_front();
  }
  messages().release(offset);
  // Otherwise the next commit takes it to the disk.
  if (messages().has_removals()) work();
  if (!save_due_) save_due_ = env_.time.now() + limits::acked_save_delay;
}

void outbox::forget_lost() {
  const std::uint64_t end = messages().committed_end();
  acked_end_ = std::min(acked_end_, end);
  while (!unacked_.empty() && unacked_.back().offset >= end) unacked_.pop_back();
}

void outbox::on_time(time_point now) {
  if (!save_due_ || now < *save_due_) return;
  save_due_.reset();
  work();
}

// Every record is counted once, when it leaves the queue.
void outbox::account_acked(const examined& what, stamp now) {
  if (what.unsendable) {
    ++dropped(*what.unsendable);
    return;
  }
  ++counters_.messages_acked;
  counters_.delivery_latency.observe(
      std::max(microseconds(0), microseconds(now - what.captured_at)));
}

std::uint64_t outbox::purge() {
  const std::uint64_t before = messages().messages();
  messages().release(messages().committed_end());
  work();
  const std::uint64_t purged = before - messages().messages();
  dropped(drop_reason::purged) += purged;
  return purged;
}

void outbox::maintain() {
  messages().expire(env_.time.unix_time());
  account_removed();
  if (messages().body_bytes() < settings_.queue.bytes_max / 10 * 9) {
    end_episode(overflowing_, drop_reason::overflow, "queue_overflow_ended",
                "the queue has room again");
  }
  if (!std::exchange(aged_, false)) {
    end_episode(aging_, drop_reason::age, "queue_age_ended",
                "no message waits longer than queue.max_age any more");
  }
  work();
}

void outbox::account_removed() {
  const queue::removed gone = messages().take_removed();
  begin_episode(overflowing_, drop_reason::overflow, gone.overflow, "queue_overflow",
                "the queue is full (queue.max_bytes): messages are dropped until there is room");
  begin_episode(aging_, drop_reason::age, gone.age, "queue_age",
                "messages have waited longer than queue.max_age and are dropped");
  if (gone.age > 0) aged_ = true;
  dropped(drop_reason::overflow) += gone.overflow;
  dropped(drop_reason::age) += gone.age;
  dropped(drop_reason::damaged) += gone.damaged;
}

void outbox::begin_episode(episode& which, drop_reason reason, std::uint64_t count,
                           const char* event, const char* text) {
  if (count == 0 || which.on) return;
  which = {true, dropped(reason)};
  env_.log.write(log_level::warning, event, settings_.name, text);
}

void outbox::end_episode(episode& which, drop_reason reason, const char* event,
                         const std::string& text) {
  if (!std::exchange(which.on, false)) return;
  env_.log.write(log_level::info, event, settings_.name,
                 text + "; " + std::to_string(dropped(reason) - which.dropped_at_start) +
                     " messages were dropped meanwhile");
}

void outbox::report(const std::vector<queue::damage>& found) {
  for (const queue::damage& one : found) {
    const bool passing = one.records == 0;
    if (passing && std::exchange(unreadable_, true)) continue;
    env_.log.write(
        log_level::error, "queue_damaged", settings_.name,
        one.where + ": " + one.what + "; " + std::to_string(one.records) + " messages skipped");
  }
  account_removed();
}

}  // namespace linkd::link

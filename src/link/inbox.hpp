#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "link/delivery.hpp"
#include "link/environment.hpp"
#include "link/link_store.hpp"
#include "link/offset_set.hpp"
#include "link/status.hpp"
#include "mqtt_linkd/settings.hpp"
#include "wire/frame.hpp"
#include "wire/record.hpp"

namespace linkd::link {

// The receiving half of a link: records of the peer's queue are checked, handed to the delivery in
// order, and the cursor moves over what the local broker accepted. It outlives sessions: what one
// session took over is not asked for by the next.
class inbox : public delivery_owner {
 public:
  // `progress` is called with the new cursor offset each time it is on disk: acknowledge it.
  inbox(const environment& env, const link_settings& settings, std::string control_prefix,
        std::shared_ptr<link_store> store, delivery& target, link_counters& counters,
        std::function<void(std::uint64_t)> progress);
  ~inbox() override;

  void configure(const link_settings& settings) { settings_ = settings; }

  // The next record we want, and below what everything is delivered.
  [[nodiscard]] wire::cursor received() const { return {queue_id_, received_}; }
  [[nodiscard]] std::uint64_t delivered() const;
  // The cursor on disk.
  [[nodiscard]] std::uint64_t saved() const { return saved_; }

  // A session with the owner of this queue begins; under an id that is new it starts at offset 0.
  void use_queue(std::uint64_t queue_id);
  void on_record(std::uint64_t offset, bytes_view record, std::uint64_t sent_at_ms, time_point now);
  void on_received_up_to(std::uint64_t offset);
  // Forgets what waits for the local broker and never went there: it is wanted again. Only while no
  // session could still count on it.
  void take_back();
  void on_delivery(const consignment& which, const delivery_outcome& outcome) override;
  // Saves the cursor if it moved: after every event.
  void settle();
  // Saves the cursor with a sync.
  void flush() { save(true); }
  [[nodiscard]] bool idle() const { return !saving_ && !moved(); }

 private:
  // Why this record is not published, if so.
  [[nodiscard]] std::optional<drop_reason> refuse(const wire::record& what,
                                                  std::uint64_t age_ms) const;
  // Not while a crash could lose what was taken over under a former id: the peer would count on the
  // new cursor.
  [[nodiscard]] bool moved() const { return from_former_ == 0 && saved_ != delivered(); }
  void save(bool sync);
  // The first failure, and when it is over.
  void log_saving(const result<void>& written);
  void dead_letter(const queue::dead_letters::letter& what);
  void drop(drop_reason reason) { ++counters_.dropped[static_cast<std::size_t>(reason)]; }

  environment env_;
  link_settings settings_;
  std::string control_prefix_;
  std::shared_ptr<link_store> store_;
  delivery& target_;
  link_counters& counters_;
  std::function<void(std::uint64_t)> progress_;

  std::uint64_t queue_id_ = 0;
  std::uint64_t epoch_ = 0;  // counts the queues received from
  std::uint64_t received_ = 0;
  offset_set outstanding_;       // below received_, not delivered yet
  std::size_t from_former_ = 0;  // taken over under former ids of the queue, not delivered yet
  std::uint64_t saved_ = 0;
  bool saving_ = false;
  bool save_fails_ = false;
  time_point synced_at_{};
  time_point next_dead_letter_log_{};
  std::uint64_t unlogged_dead_letters_ = 0;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace linkd::link

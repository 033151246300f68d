#pragma once

#include <boost/container/deque.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "mqtt_linkd/message.hpp"
#include "mqtt_linkd/ports/broker.hpp"
#include "mqtt_linkd/ports/crash_journal.hpp"
#include "mqtt_linkd/time.hpp"

namespace linkd::link {

// A message on its way into the local broker, and who wants to know what became of it.
struct consignment {
  std::uint64_t epoch =
      0;  // the owner's; answered back, so that it can tell an old queue's offsets
  std::uint64_t queue_id = 0;  // the peer's queue
  std::uint64_t offset = 0;    // in it
  message content;
  time_point handed_over;           // when its expiry interval had `content`'s value
  std::uint64_t age_before_ms = 0;  // spent before that
};

struct delivery_outcome {
  enum class kind { published, expired, rejected } what = kind::published;
  std::string reason;  // rejected: "0x87 not authorized", for the dead letter
};

class delivery_owner {
 public:
  virtual ~delivery_owner() = default;
  // Once for every consignment, in any order; never from inside submit().
  virtual void on_delivery(const consignment& which, const delivery_outcome& outcome) = 0;
};

// Publishes what the links received at the local broker: in the order of submit(), at most
// publishes_inflight_max without an answer. When the connection is lost, what was in flight is
// published again in the same order by the next one (QoS 0 is not). A message that was in flight at
// connection_losses_max losses caused by the broker is given up as rejected, so that a poison
// message holds nobody up; from its second loss on a suspect travels alone, so that no bystander is
// blamed. Nor is anybody blamed for a loss behind a refusal: some brokers close the connection over
// what they refused.
class delivery {
 public:
  delivery(broker& target, crash_journal& crashes) : target_(target), crashes_(crashes) {}

  // The owner must outlive the answer or call forget().
  void submit(delivery_owner& owner, consignment what);
  void forget(const delivery_owner& owner);
  // Takes back the owner's consignments of this epoch that were never handed to the broker, without
  // an answer; the lowest offset among them, if any. What stays has lower offsets.
  std::optional<std::uint64_t> take_back(const delivery_owner& owner, std::uint64_t epoch);

  void on_up(const broker_session& session);
  void on_down(bool by_peer);
  void on_published(const publish_outcome& outcome);
  // Publishes what the window allows.
  void pump(time_point now);
  // Nothing more is published; what is in flight is waited for.
  void pause() { paused_ = true; }

  [[nodiscard]] std::size_t inflight() const { return inflight_; }

 private:
  struct item {
    delivery_owner* owner = nullptr;  // null: forgotten
    consignment what;
    int losses = 0;
    bool in_flight = false;
    bool handed_over = false;  // at least once
    bool gone = false;
  };
  // With std::deque each would have a block of its own.
  using items =
      boost::container::deque<item, void,
                              boost::container::deque_options_t<boost::container::block_size<64U>>>;

  // None if it is gone.
  item* find(publication_id id);
  [[nodiscard]] publication_id end() const { return first_ + items_.size(); }
  bool may_send(const item& next) const;
  result<void> publish(publication_id id, const consignment& what,
                       std::optional<std::uint32_t> left_s);
  // Takes it out.
  item take(item& which);
  void finish(item& which, const delivery_outcome& outcome);

  broker& target_;
  crash_journal& crashes_;
  items items_;               // by age; the front is not gone
  publication_id first_ = 1;  // of the front
  publication_id next_ = 1;   // the first that is not in flight
  std::size_t inflight_ = 0;
  std::size_t inflight_max_ = 0;  // 0: the broker is down
  bool suspect_in_flight_ = false;
  bool refused_ = false;  // something, on this connection
  bool paused_ = false;
};

// "0x87 not authorized" (MQTT 5, section 3.4.2.1).
std::string describe_reason_code(std::uint8_t reason_code);

}  // namespace linkd::link

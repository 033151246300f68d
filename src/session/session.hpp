#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "interest/announcement.hpp"
#include "interest/peer_view.hpp"
#include "mqtt_linkd/limits.hpp"
#include "mqtt_linkd/time.hpp"
#include "wire/block.hpp"
#include "wire/frame.hpp"

namespace linkd::session {

enum class role { dialler, acceptor };

// What the link tells a session about our side.
struct local_side {
  std::string deployment;  // our name
  std::string peer;        // the link's name
  std::uint64_t incarnation = 0;
  std::uint64_t queue_id = 0;     // of our queue for the peer
  std::uint64_t queue_begin = 0;  // first offset that queue still has
  wire::cursor received;          // how far we took over the peer's queue: the next record we want
  std::uint64_t delivered = 0;    // and how far of that is delivered, <= received.offset
  std::uint64_t message_bytes_max = 16u << 20;
  std::size_t frame_bytes_max = limits::frame_bytes_max;  // of the path
  bool compress = true;
  milliseconds retry_interval{15'000};  // a hole or a silence in the peer's acks this long: resend
};

// What the session wants done, in order.
struct send_frame {
  wire::frame what;
  bool control = true;  // lane
};
// The handshake is complete. `peer`: the other side's hello. Our queue is sent from
// send_position().
struct established {
  wire::hello peer;
};
// The peer refused us, or (by_us) we refused it. The session is over.
struct refused_by {
  wire::refusal reason;
  std::string text;
  bool by_us = false;
};
// The peer_view changed: persist it, change the capture.
struct interest_changed {};
// Take over one record of the peer's queue. `age_ms`: between capture and sending, by the peer's
// clock.
struct deliver {
  std::uint64_t offset = 0;
  bytes record;
  std::uint64_t sent_at_ms = 0;
};
// The received position advanced to `offset` (also over holes); follows the `deliver`s below it.
struct received_up_to {
  std::uint64_t offset = 0;
};
// The peer delivered everything below `offset` of our queue: release it.
struct acked {
  std::uint64_t offset = 0;
};
struct round_trip {
  microseconds time{0};
};
// The session is over; the path may be closed. `protocol`: the peer broke the rules.
struct closed {
  std::string reason;
  bool protocol = false;
};

using effect = std::variant<send_frame, established, refused_by, interest_changed, deliver,
                            received_up_to, acked, round_trip, closed>;

// One run of the link protocol with a peer over one path: a state machine without I/O, clock or
// thread. Events go in by calls, effects come out of take_effects(), `now` is an argument. States
// and rules: wire/PROTOCOL.md. After refused_by or closed every further event is ignored.
class link_session {
 public:
  // `view` and `announced` belong to the link and outlive the session. A dialler sends its HELLO at
  // start(); an acceptor waits for one.
  link_session(role which, local_side local, std::uint64_t session_id, interest::peer_view& view,
               const interest::announcement& announced);

  void start(time_point now);
  void on_frame(wire::frame what, time_point now);
  // At or after deadline().
  void on_time(time_point now);
  [[nodiscard]] std::optional<time_point> deadline() const;

  // Our interest changed (after announced.replace()).
  void announce(const interest::change& change, time_point now);
  // Everything of the peer's queue below `offset` has been delivered and that is on disk.
  void on_delivered(std::uint64_t offset, time_point now);
  // The local reading position cannot be served: records below `begin` are gone.
  void on_queue_begin(std::uint64_t begin);

  // How much of our queue may be sent now. `bytes` is 0 if nothing may (window full, not
  // established).
  struct pull {
    std::uint64_t offset = 0;
    std::size_t bytes = 0;
  };
  // `waiting_bytes`: committed bytes in our queue at and after send_position(); `oldest_wait`: when
  // the oldest of them became readable. Applies the batching rule: at once while nothing is in
  // flight, else when batch_bytes are waiting or batch_delay has passed (then deadline() says when
  // to ask again).
  pull want_data(std::size_t waiting_bytes, time_point oldest_wait, time_point now);
  // Sends the records of [begin, end) that still exist, as one DATA frame or several fragments;
  // begin == send_position().
  void send_data(std::uint64_t begin, std::uint64_t end,
                 const std::vector<wire::numbered_record>& records, std::uint64_t now_ms,
                 time_point now);

  // Ends the session in good order: BYE, then closed.
  void close(const std::string& reason);
  // Refuses the peer (acceptor, before it is established).
  void refuse(wire::refusal reason, const std::string& text);

  [[nodiscard]] bool is_established() const;
  [[nodiscard]] bool is_over() const;
  [[nodiscard]] std::uint64_t id() const;
  [[nodiscard]] std::uint64_t send_position() const;
  [[nodiscard]] std::size_t inflight_bytes() const;
  std::vector<effect> take_effects();
};

}  // namespace linkd::session

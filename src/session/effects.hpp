#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "mqtt_linkd/limits.hpp"
#include "mqtt_linkd/time.hpp"
#include "wire/block.hpp"
#include "wire/frame.hpp"

// What goes into a session at its start, and what it wants done.
namespace linkd::session {

enum class role { dialler, acceptor };

// What the link tells a session about our side.
struct local_side {
  std::string deployment;  // our name
  std::string peer;        // the link's name
  std::uint64_t incarnation = 0;
  std::uint64_t queue_id = 0;  // of our queue for the peer
  // Ids it had before: below `offset` they mean the same records.
  std::vector<wire::cursor> former_queue_ids;
  std::uint64_t queue_begin = 0;         // first offset that queue still has
  std::uint64_t queue_end = UINT64_MAX;  // one past the last it has
  wire::cursor received;                 // how far we took over the peer's queue
  std::uint64_t message_bytes_max = 16u << 20;
  std::size_t frame_bytes_max = limits::frame_bytes_max;  // of the path
  bool compress = true;
  milliseconds retry_interval{15'000};  // a hole in what we receive this old: ask for it again
};

// What the session wants done, in order.
struct send_frame {
  wire::frame what;
  bool control = true;  // lane
};
// The handshake is complete. `peer`: the other side's hello. If its queue_id is not the one we
// received from before, our position in that queue is 0. Our queue is sent from send_position().
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
// Take over records of the peer's queue, at least one, in order. A record's capture time and
// `sent_at_ms` are of the same clock, the peer's: their difference is the age it had when it was
// sent.
struct deliver {
  std::shared_ptr<const bytes> block;  // where the records are
  std::vector<wire::numbered_record> records;
  std::uint64_t sent_at_ms = 0;
};
// The received position advanced to `offset` (also over holes); follows what is delivered below it.
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
// The session is over; the path may be closed. `protocol`: the peer broke the rules; `unanswered`:
// nobody answered our HELLO.
struct closed {
  std::string reason;
  bool protocol = false;
  bool unanswered = false;
};

using effect = std::variant<send_frame, established, refused_by, interest_changed, deliver,
                            received_up_to, acked, round_trip, closed>;

}  // namespace linkd::session

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "interest/announcement.hpp"
#include "interest/peer_view.hpp"
#include "mqtt_linkd/time.hpp"
#include "session/announcer.hpp"
#include "session/effects.hpp"
#include "session/receiver.hpp"
#include "session/sender.hpp"
#include "wire/block.hpp"
#include "wire/frame.hpp"

namespace linkd::session {

// One run of the link protocol with a peer over one path: a state machine without I/O, clock or
// thread. Events go in by calls, effects come out of take_effects(), `now` is an argument. States
// and rules: wire/PROTOCOL.md. After refused_by or closed every further event is ignored.
class link_session {
 public:
  // `view` and `announced` belong to the link and outlive the session. A dialler sends its HELLO at
  // start(); an acceptor waits for one, without a time limit of its own, and takes its session id
  // from it. An acceptor is made when the HELLO is there, so that `local` is true at that moment.
  link_session(role which, local_side local, std::uint64_t session_id, interest::peer_view& view,
               const interest::announcement& announced);

  void start(time_point now);
  void on_frame(wire::frame what, time_point now);
  // A frame that wire::decode() refused: ends the session.
  void on_bad_frame(const error& reason);
  // At or after deadline().
  void on_time(time_point now);
  [[nodiscard]] std::optional<time_point> deadline() const;

  // Our interest changed (after announced.apply()).
  void announce(const interest::change& change, time_point now);
  // Everything of the peer's queue below `offset` has been delivered and that is on disk. To be
  // told anew to each session once it is established: the peer may have missed what was said
  // before.
  void on_delivered(std::uint64_t offset, time_point now);
  // The local reading position cannot be served: records below `begin` are gone.
  void on_queue_begin(std::uint64_t begin);

  // Our queue reaches to `end` by now. To be told before the peer's answer: it may have got over
  // another session what was queued since this one began.
  void on_queue_end(std::uint64_t end) { local_.queue_end = end; }

  using pull = session::pull;
  // `waiting_bytes`: bytes in our queue at and after send_position(); `oldest_wait`: when
  // the oldest of them became readable. Applies the batching rule: at once while nothing is in
  // flight, else when batch_bytes are waiting or batch_delay has passed (then deadline() says when
  // to ask again). `bytes` is 0 too if the credit is used up or the session is not established.
  pull want_data(std::size_t waiting_bytes, time_point oldest_wait, time_point now);
  // Sends the records of [begin, end) that still exist, begin == send_position(), as DATA frames;
  // a record larger than a frame as fragments, none larger than the peer's message_bytes_max. What
  // the credit does not allow is left: send_position() tells where to go on.
  void send_data(std::uint64_t begin, std::uint64_t end,
                 const std::vector<wire::numbered_record>& records, std::uint64_t now_ms,
                 time_point now);

  // Ends the session in good order: BYE, then closed.
  void close(const std::string& reason);
  // Refuses the peer. An acceptor that has no HELLO yet answers it with this refusal.
  void refuse(wire::refusal reason, const std::string& text);

  [[nodiscard]] bool is_established() const { return state_ == state::established; }
  [[nodiscard]] bool is_over() const { return state_ == state::over; }
  // 0: an acceptor without a HELLO.
  [[nodiscard]] std::uint64_t id() const { return id_; }
  // The id under which the peer knows our queue.
  [[nodiscard]] std::uint64_t queue_id() const { return local_.queue_id; }
  // The next record of our queue to read.
  [[nodiscard]] std::uint64_t send_position() const { return sender_.position(); }
  [[nodiscard]] std::size_t inflight_bytes() const { return sender_.inflight_bytes(); }
  std::vector<effect> take_effects();

 private:
  enum class state { waiting, handshaking, established, over };

  void on(wire::hello& hello, time_point now);
  void on(wire::hello_ack& ack, time_point now);
  void on(wire::refused& refused, time_point now);
  void on(wire::interest_begin& begin, time_point now);
  void on(wire::interest_items& items, time_point now);
  void on(wire::interest_end& end, time_point now);
  void on(wire::interest_delta& delta, time_point now);
  void on(wire::data& data, time_point now);
  void on(wire::ack& ack, time_point now);
  void on(wire::ping& ping, time_point now);
  void on(wire::pong& pong, time_point now);
  void on(wire::bye& bye, time_point now);
  void on_foreign(const wire::frame& what, time_point now);

  [[nodiscard]] wire::hello our_hello() const;
  // Refuses, and answers false, if the names or versions do not fit.
  bool admit(const wire::hello& peer);
  void establish(wire::hello peer, time_point now);
  void beat(time_point now);
  void send(wire::frame_body body);
  void send(result<std::vector<wire::frame_body>> bodies);
  void send_ack(bool resend);
  // The peer broke a rule.
  void fail(const std::string& reason);
  // `last`: refused_by or closed.
  template <class Last>
  void end(Last last) {
    state_ = state::over;
    effects_.emplace_back(std::move(last));
  }

  const role role_;
  local_side local_;
  interest::view_updates view_;
  std::uint64_t id_;
  state state_ = state::waiting;
  std::optional<wire::refused> refusal_;  // for the HELLO to come

  sender sender_;
  receiver receiver_;
  announcer announcer_;

  time_point handshake_due_, next_ping_, heard_at_;
  std::uint64_t ping_number_ = 0;
  std::optional<time_point> ping_sent_at_;    // no PONG yet
  std::optional<time_point> foreign_bye_at_;  // when we last told a stranger that it is one
  std::vector<effect> effects_;
};

}  // namespace linkd::session

#pragma once

#include <catch2/catch.hpp>

#include "interest/announcement.hpp"
#include "interest/peer_view.hpp"
#include "session/session.hpp"
#include "tests/support/wire_builders.hpp"

// One session under test, and the other side played by the test.
namespace linkd::session::test {

using namespace std::chrono_literals;
using linkd::test::make_hello;
using linkd::test::make_record;

inline constexpr std::uint64_t id = 77;
inline constexpr std::uint64_t our_queue_id = 0xa1, peer_queue_id = 0xb2;
inline constexpr std::uint64_t now_ms = 1'700'000'000'000;

inline local_side paris() {
  local_side out;
  out.deployment = "paris";
  out.peer = "london";
  out.incarnation = 5;
  out.queue_id = our_queue_id;
  out.compress = false;
  return out;
}

inline wire::hello london() {
  auto out = make_hello("london", "paris");
  out.queue_id = peer_queue_id;
  out.received = {our_queue_id, 0};
  return out;
}

inline wire::data make_data(std::uint64_t begin, std::uint64_t end,
                            const std::vector<wire::numbered_record>& records) {
  wire::data out;
  out.begin = begin;
  out.end = end;
  out.sent_at_ms = now_ms;
  out.block = wire::encode_block(begin, records);
  out.block_bytes = static_cast<std::uint32_t>(out.block.size());
  return out;
}

// DATA with one small record for each offset of [begin, end).
inline wire::data make_data(std::uint64_t begin, std::uint64_t end) {
  const bytes record = make_record(10);
  std::vector<wire::numbered_record> records;
  for (auto offset = begin; offset < end; ++offset) records.push_back({offset, record});
  return make_data(begin, end, records);
}

template <class T>
std::vector<T> only(const std::vector<effect>& effects) {
  std::vector<T> out;
  for (const auto& each : effects) {
    if (const auto* found = std::get_if<T>(&each)) out.push_back(*found);
  }
  return out;
}

// The bodies of kind T among the frames sent.
template <class T>
std::vector<T> sent(const std::vector<effect>& effects) {
  std::vector<T> out;
  for (const auto& each : only<send_frame>(effects)) {
    if (const auto* found = std::get_if<T>(&each.what.body)) out.push_back(*found);
  }
  return out;
}

inline std::vector<bytes> delivered_records(const std::vector<effect>& effects) {
  std::vector<bytes> out;
  for (const auto& part : only<deliver>(effects)) {
    for (const auto& each : part.records) out.emplace_back(each.record);
  }
  return out;
}

inline std::vector<std::uint64_t> delivered_offsets(const std::vector<effect>& effects) {
  std::vector<std::uint64_t> out;
  for (const auto& part : only<deliver>(effects)) {
    for (const auto& each : part.records) out.push_back(each.offset);
  }
  return out;
}

class harness {
 public:
  explicit harness(role which = role::dialler, local_side local = paris())
      : session(which, std::move(local), id, view, announced) {}

  // Answers the effects of the handshake.
  std::vector<effect> establish(const wire::hello& peer = london()) {
    session.start(now);
    if (session.id() == id) {
      receive(wire::hello_ack{peer});
    } else {
      receive(peer);
    }
    return session.take_effects();
  }

  void receive(wire::frame_body body, std::uint64_t session_id = id) {
    session.on_frame({session_id, std::move(body)}, now);
  }

  // What one frame makes the session do.
  std::vector<effect> react(wire::frame_body body, std::uint64_t session_id = id) {
    session.take_effects();
    receive(std::move(body), session_id);
    return session.take_effects();
  }

  // Lets time pass up to every deadline on the way; `heard`: the peer sends a PONG now and then.
  std::vector<effect> wait(microseconds time, bool heard = true) {
    std::vector<effect> out = session.take_effects();
    const auto until = now + time;
    while (session.deadline() && *session.deadline() <= until) {
      now = *session.deadline();
      if (heard) receive(wire::pong{0});
      session.on_time(now);
      REQUIRE((!session.deadline() || *session.deadline() > now));
      for (auto& each : session.take_effects()) out.push_back(std::move(each));
    }
    now = until;
    return out;
  }

  // Sends [begin, end) of our queue, `record_bytes` of payload each.
  std::vector<effect> send(std::uint64_t begin, std::uint64_t end, std::size_t payload_bytes = 10) {
    const bytes record = make_record(payload_bytes);
    std::vector<wire::numbered_record> records;
    for (auto offset = begin; offset < end; ++offset) records.push_back({offset, record});
    session.send_data(begin, end, records, now_ms, now);
    return session.take_effects();
  }

  interest::peer_view view;
  interest::announcement announced;
  time_point now{1h};
  link_session session;
};

// The session ended because the peer broke a rule, and told it so.
inline void check_protocol_error(const harness& h, const std::vector<effect>& effects) {
  CHECK(h.session.is_over());
  const auto ends = only<closed>(effects);
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].protocol);
  CHECK(sent<wire::bye>(effects).size() == 1);
}

}  // namespace linkd::session::test

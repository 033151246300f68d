// A session with a peer that does what it likes, in every state: frames of every kind with fields
// out of the input, bytes that are no frame, time, and our own side at work meanwhile.
#include <algorithm>

#include "interest/announcement.hpp"
#include "interest/peer_view.hpp"
#include "session/session.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/support/wire_builders.hpp"

using namespace linkd;

namespace {

constexpr std::uint64_t session_id = 77, our_queue = 0xa1, peer_queue = 0xb2;

session::local_side local_side() {
  session::local_side side;
  side.deployment = "paris";
  side.peer = "london";
  side.incarnation = 5;
  side.queue_id = our_queue;
  return side;
}

wire::hello peer_hello(fuzz::input& in) {
  wire::hello hello = test::make_hello("london", "paris");
  hello.queue_id = peer_queue;
  hello.received = {our_queue, in.below(300)};
  const auto twist = in.octet();
  if (twist == 1) hello.deployment = in.text();
  if (twist == 2) hello.peer = in.text();
  if (twist == 3) hello.version_min = static_cast<std::uint32_t>(in.octet());
  if (twist == 4) hello.frame_bytes_max = in.number(4);
  if (twist == 5) hello.inflight_bytes_max = in.number(4);
  if (twist == 6) hello.message_bytes_max = in.number(4);
  if (twist == 7) hello.queue_id = in.number(8);
  if (twist == 8) hello.received = {in.number(8), in.number(8)};
  return hello;
}

std::vector<std::string> filters(fuzz::input& in) {
  std::vector<std::string> all;
  for (auto left = in.below(5); left > 0; --left) all.emplace_back(in.take(in.octet() % 16));
  return all;
}

// Ours have been checked by the configuration.
std::vector<std::string> our_filters(fuzz::input& in) {
  static const std::vector<std::string> known = {"#", "a/#", "a/+", "b", "b/c/#", "+/d"};
  std::vector<std::string> all;
  for (const auto& each : known) {
    if (in.octet() % 2 == 0) all.push_back(each);
  }
  return all;
}

wire::data data(fuzz::input& in) {
  wire::data made;
  made.begin = in.below(600);
  made.end = made.begin + in.below(20);
  made.sent_at_ms = in.number(6);
  const bytes record = test::make_record(in.below(40));
  std::vector<wire::numbered_record> records;
  for (auto offset = made.begin; offset < made.end; offset += 1 + in.octet() % 3)
    records.push_back({offset, record});
  made.block = in.octet() == 0 ? bytes(in.text()) : wire::encode_block(made.begin, records);
  made.block_bytes = static_cast<std::uint32_t>(made.block.size());
  if (in.octet() == 0) {
    made.end = made.begin + in.octet() % 2;
    made.fragment_offset = in.number(3);
    made.fragment_total_bytes = in.number(3);
  }
  if (in.octet() == 0) made.compressed = true;
  return made;
}

wire::frame_body body(fuzz::input& in) {
  switch (in.octet() % 12) {
    case 0:
      return peer_hello(in);
    case 1:
      return wire::hello_ack{peer_hello(in)};
    case 2:
      return wire::refused{static_cast<wire::refusal>(in.octet() % 6), bytes(in.text())};
    case 3:
      return wire::interest_begin{in.number(1)};
    case 4:
      return wire::interest_items{filters(in)};
    case 5:
      return wire::interest_end{in.number(1), in.number(8)};
    case 6:
      return wire::interest_delta{in.number(1), filters(in), filters(in)};
    case 7:
      return data(in);
    case 8: {
      wire::ack ack{in.below(600), std::nullopt};
      if (in.octet() % 4 == 0) ack.resend_from = in.below(600);
      return ack;
    }
    case 9:
      return wire::ping{in.number(1), in.number(1), in.number(1), in.number(8), in.below(600)};
    case 10:
      return wire::pong{in.number(1)};
    default:
      return wire::bye{bytes(in.text())};
  }
}

struct stage {
  explicit stage(session::role which) : session(which, local_side(), session_id, view, announced) {}

  // What must hold of everything the session wants done.
  void check_effects() {
    for (const session::effect& each : session.take_effects()) {
      if (const auto* sent = std::get_if<session::send_frame>(&each)) {
        const bytes encoded = wire::encode(sent->what);
        fuzz::must(encoded.size() <= limits::frame_bytes_max, "no frame is too large");
        const auto back = wire::decode(encoded);
        fuzz::must(back.has_value(), back ? "" : back.error().text.c_str());
      } else if (const auto* delivered = std::get_if<session::deliver>(&each)) {
        fuzz::must(!delivered->records.empty(), "something is delivered");
        for (const auto& record : delivered->records) {
          fuzz::must(record.offset >= delivered_, "records are delivered in order, once");
          delivered_ = record.offset + 1;
          pending_.push_back(record.offset);
        }
      } else if (const auto* acked = std::get_if<session::acked>(&each)) {
        acked_ = std::max(acked_, acked->offset);
      }
    }
  }

  interest::peer_view view;
  interest::announcement announced;
  time_point now{std::chrono::hours(1)};
  session::link_session session;
  std::uint64_t delivered_ = 0, acked_ = 0;
  std::vector<std::uint64_t> pending_;
};

// As a path does: nothing reaches a session but what decode() lets through.
void receive(stage& on, const wire::frame& what) {
  if (auto frame = wire::decode(wire::encode(what))) on.session.on_frame(std::move(*frame), on.now);
}

void act(stage& on, fuzz::input& in) {
  switch (in.octet() % 9) {
    case 0:
    case 1:
    case 2:
    case 3:
      receive(on, {in.octet() == 0 ? in.number(8) : session_id, body(in)});
      break;
    case 4: {
      auto frame = wire::decode(in.text());
      if (frame) {
        on.session.on_frame(std::move(*frame), on.now);
      } else if (in.octet() == 0) {
        on.session.on_bad_frame(frame.error());
      }
      break;
    }
    case 5:
      on.now += milliseconds(in.number(2));
      if (on.session.deadline() && *on.session.deadline() <= on.now) on.session.on_time(on.now);
      break;
    case 6: {
      const auto pull = on.session.want_data(in.number(2), on.now, on.now);
      if (pull.bytes == 0) break;
      const bytes record = test::make_record(in.number(2));
      std::vector<wire::numbered_record> records;
      const auto end = pull.offset + 1 + in.octet() % 8;
      for (auto offset = pull.offset; offset < end; ++offset) records.push_back({offset, record});
      on.session.send_data(pull.offset, end, records, 1, on.now);
      break;
    }
    case 7: {
      const auto wanted = our_filters(in), unwanted = our_filters(in);
      if (const auto change = on.announced.apply(wanted, unwanted))
        on.session.announce(*change, on.now);
      break;
    }
    default:
      if (!on.pending_.empty()) on.session.on_delivered(on.pending_.back() + 1, on.now);
      if (in.octet() == 0) on.session.close("tired");
      break;
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes_of, std::size_t size) {
  fuzz::input in(bytes_of, size);
  const auto which = in.octet() % 2 == 0 ? session::role::dialler : session::role::acceptor;
  stage on(which);
  on.session.start(on.now);
  if (in.octet() % 8 != 0) {  // most of what there is to see comes after a handshake
    const wire::hello peer = peer_hello(in);
    if (which == session::role::dialler) {
      receive(on, {session_id, wire::hello_ack{peer}});
    } else {
      receive(on, {session_id, peer});
    }
  }
  for (int step = 0; step < 300 && !in.empty(); ++step) {
    act(on, in);
    on.check_effects();
  }
  return 0;
}

#include <catch2/catch.hpp>

#include "tests/unit/session/harness.hpp"

using namespace linkd;
using namespace linkd::session;
using namespace linkd::session::test;

namespace {

std::vector<wire::data> data_of(const std::vector<effect>& effects) {
  for (const auto& each : only<send_frame>(effects))
    CHECK(each.control == !std::holds_alternative<wire::data>(each.what.body));
  return sent<wire::data>(effects);
}

// The offsets and records that a peer would take from these frames.
std::vector<std::uint64_t> offsets_in(const std::vector<wire::data>& frames) {
  std::vector<std::uint64_t> out;
  for (const auto& each : frames) {
    REQUIRE(each.fragment_total_bytes == 0);
    const bytes block =
        each.compressed ? *wire::decompress_block(each.block, each.block_bytes) : each.block;
    const auto records = wire::decode_block(each.begin, each.end, block);
    REQUIRE(records.has_value());
    for (const auto& record : *records) out.push_back(record.offset);
  }
  return out;
}

std::size_t cost(std::size_t payload_bytes) {
  return make_record(payload_bytes).size() + record_credit_overhead_bytes;
}

}  // namespace

TEST_CASE("send: nothing before the handshake") {
  harness h;
  h.session.start(h.now);
  h.session.take_effects();
  CHECK(h.session.want_data(1000, h.now, h.now).bytes == 0);
  CHECK(h.send(0, 1).empty());
}

TEST_CASE("send: a batch is one DATA frame on the data lane and counts as in flight") {
  harness h;
  h.establish();
  const auto pull = h.session.want_data(1000, h.now, h.now);
  CHECK(pull.offset == 0);
  CHECK(pull.bytes == limits::batch_bytes);
  const auto frames = data_of(h.send(0, 3));
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].begin == 0);
  CHECK(frames[0].end == 3);
  CHECK(frames[0].sent_at_ms == now_ms);
  CHECK(offsets_in(frames) == std::vector<std::uint64_t>{0, 1, 2});
  CHECK(h.session.send_position() == 3);
  CHECK(h.session.inflight_bytes() == 3 * cost(10));
  CHECK(h.session.want_data(0, h.now, h.now).bytes == 0);
}

TEST_CASE("send: nothing waits while the link is idle, then a batch closes by size or time") {
  harness h;
  h.establish();
  CHECK(h.session.want_data(1, h.now, h.now).bytes > 0);
  h.send(0, 1);
  CHECK(h.session.want_data(1, h.now, h.now).bytes == 0);
  CHECK(h.session.deadline() == h.now + limits::batch_delay);
  CHECK(h.session.want_data(limits::batch_bytes, h.now, h.now).bytes > 0);
  CHECK(h.session.want_data(1, h.now, h.now + limits::batch_delay - 1us).bytes == 0);
  CHECK(h.session.want_data(1, h.now, h.now + limits::batch_delay).bytes > 0);
  // The deadline passes once and does not come back by itself.
  h.session.want_data(1, h.now, h.now);
  h.now += limits::batch_delay;
  h.session.on_time(h.now);
  CHECK(*h.session.deadline() > h.now);
  h.session.want_data(1, h.now, h.now);
  h.receive(wire::ack{1, std::nullopt});
  CHECK(h.session.want_data(1, h.now, h.now).bytes > 0);
}

TEST_CASE("send: blocks are compressed if it pays, the link wants it and the peer can read it") {
  auto local = paris();
  local.compress = GENERATE(true, false);
  const bool peer_can = GENERATE(true, false);
  const bool pays = GENERATE(true, false);
  CAPTURE(local.compress, peer_can, pays);
  auto peer = london();
  if (!peer_can) peer.features = {"other"};
  harness h(role::dialler, local);
  h.establish(peer);
  linkd::test::random_engine random(1);
  const bytes record =
      pays ? make_record(5000)
           : wire::encode_record(stamp(),
                                 {"t", linkd::test::random_bytes(random, 5000), 1, false, {}});
  h.session.send_data(0, 1, {{0, record}}, now_ms, h.now);
  const auto frames = data_of(h.session.take_effects());
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].compressed == (local.compress && peer_can && pays));
  CHECK(wire::decode(wire::encode({id, frames[0]})).has_value());
  CHECK(offsets_in(frames) == std::vector<std::uint64_t>{0});
}

TEST_CASE("send: no frame is larger than both sides and the path allow") {
  auto local = paris();
  local.frame_bytes_max = 6000;
  harness h(role::dialler, local);
  auto peer = london();
  peer.frame_bytes_max = GENERATE(5000, 7000);
  h.establish(peer);
  const auto effects = h.send(0, 50, 1000);
  const auto frames = data_of(effects);
  CHECK(frames.size() > 1);
  for (const auto& each : only<send_frame>(effects))
    CHECK(wire::encode(each.what).size() <= std::min<std::size_t>(6000, peer.frame_bytes_max));
  std::uint64_t begin = 0;
  for (const auto& each : frames) {
    CHECK(each.begin == begin);
    begin = each.end;
  }
  CHECK(begin == 50);
  CHECK(offsets_in(frames).size() == 50);
}

TEST_CASE("send: a record larger than a frame travels in fragments between the others") {
  auto local = paris();
  local.compress = GENERATE(true, false);
  harness h(role::dialler, local);
  auto peer = london();
  peer.frame_bytes_max = wire::frame_bytes_min;
  h.establish(peer);
  const bytes small = make_record(10), large = make_record(20'000);
  h.session.send_data(0, 9, {{1, small}, {3, large}, {4, large}, {6, small}}, now_ms, h.now);
  const auto effects = h.session.take_effects();
  for (const auto& each : only<send_frame>(effects)) {
    const auto encoded = wire::encode(each.what);
    CHECK(encoded.size() <= wire::frame_bytes_min);
    CHECK(wire::decode(encoded).has_value());
  }
  // What the other side makes of it.
  auto other_local = paris();
  harness other(role::dialler, other_local);
  other.establish();
  std::vector<effect> taken;
  for (const auto& each : data_of(effects)) {
    for (auto& done : other.react(each)) taken.push_back(std::move(done));
  }
  CHECK(delivered_offsets(taken) == std::vector<std::uint64_t>{1, 3, 4, 6});
  CHECK(delivered_records(taken)[1] == large);
  CHECK(only<received_up_to>(taken).back().offset == 9);
  CHECK(h.session.send_position() == 9);
}

TEST_CASE("send: the credit of the peer is kept, what does not fit is left for later") {
  harness h;
  auto peer = london();
  peer.inflight_bytes_max = 10 * cost(100);
  h.establish(peer);
  h.send(0, 30, 100);
  CHECK(h.session.send_position() == 10);
  CHECK(h.session.inflight_bytes() == 10 * cost(100));
  CHECK(h.session.want_data(1'000'000, h.now, h.now).bytes == 0);
  CHECK(h.send(10, 30, 100).empty());
  h.receive(wire::ack{10, std::nullopt});
  CHECK(h.session.inflight_bytes() == 0);
  CHECK(h.session.want_data(1'000'000, h.now, h.now).bytes > 0);
}

TEST_CASE("send: credit that has room for a batch is asked for, not for a sliver") {
  harness h;
  h.establish();
  const std::size_t payload_bytes = 100'000;
  std::uint64_t end = 0;
  while (h.session.want_data(1'000'000, h.now, h.now).bytes > 0) {
    h.send(end, end + 1, payload_bytes);
    if (h.session.send_position() == end) break;
    ++end;
  }
  CHECK(h.session.inflight_bytes() <= limits::inflight_bytes_max);
  CHECK(h.session.inflight_bytes() + limits::batch_bytes + cost(payload_bytes) >
        limits::inflight_bytes_max);
}

TEST_CASE("send: one message larger than the credit goes alone, when nothing is in flight") {
  harness h;
  auto peer = london();
  peer.inflight_bytes_max = GENERATE(0u, 1000u);
  h.establish(peer);
  h.send(0, 1, 10);
  REQUIRE(h.session.send_position() == 1);
  CHECK(h.send(1, 2, 50'000).empty());
  CHECK(h.session.want_data(50'000, h.now, h.now).bytes == 0);
  h.receive(wire::ack{1, std::nullopt});
  CHECK(h.session.want_data(50'000, h.now, h.now).bytes > 0);
  CHECK(data_of(h.send(1, 3, 50'000)).size() == 1);
  CHECK(h.session.send_position() == 2);
}

TEST_CASE("send: an acknowledgement releases, what goes backwards is ignored") {
  harness h;
  h.establish();
  h.send(0, 10);
  const auto effects = h.react(wire::ack{7, std::nullopt});
  REQUIRE(only<acked>(effects).size() == 1);
  CHECK(only<acked>(effects)[0].offset == 7);
  CHECK(h.react(wire::ack{7, std::nullopt}).empty());
  CHECK(h.react(wire::ack{3, std::nullopt}).empty());
  CHECK(only<acked>(h.react(wire::ack{10, std::nullopt})).size() == 1);
  CHECK(h.session.inflight_bytes() == 0);
}

TEST_CASE("send: an acknowledgement of what was never sent is an error") {
  harness h;
  h.establish();
  h.send(0, 10);
  SECTION("delivered") {
    check_protocol_error(h, h.react(wire::ack{11, std::nullopt}));
  }
  SECTION("resend") {
    check_protocol_error(h, h.react(wire::ack{0, 11}));
  }
}

TEST_CASE("send: asked again, the sender rewinds to the offset, never below what is delivered") {
  harness h;
  h.establish();
  h.send(0, 5);
  h.send(5, 10);
  h.receive(wire::ack{3, std::nullopt});
  h.receive(wire::ack{3, 2});
  CHECK(h.session.send_position() == 10);
  h.receive(wire::ack{3, 7});
  CHECK(h.session.send_position() == 7);
  CHECK(h.session.inflight_bytes() == 10 * cost(10));
  h.receive(wire::ack{3, 5});
  CHECK(h.session.send_position() == 5);
  CHECK(h.session.inflight_bytes() == 5 * cost(10));
  const auto frames = data_of(h.send(5, 10));
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].begin == 5);
  // An acknowledgement of the first transmission is still good.
  h.receive(wire::ack{3, 5});
  CHECK(only<acked>(h.react(wire::ack{10, std::nullopt})).size() == 1);
  CHECK(h.session.send_position() == 10);
  CHECK(h.session.inflight_bytes() == 0);
}

TEST_CASE("send: a session goes on where the peer says it stands in this queue") {
  auto local = paris();
  local.queue_begin = 100;
  local.queue_end = 200;
  local.former_queue_ids = {{0x7777, 120}, {0x8888, 180}};
  harness h(role::dialler, local);
  auto peer = london();
  SECTION("within the queue") {
    peer.received = {our_queue_id, 150};
    h.establish(peer);
    CHECK(h.session.send_position() == 150);
  }
  SECTION("in another queue: from the beginning, and what is gone is told") {
    peer.received = {0x9999, 150};
    const auto hole = data_of(h.establish(peer));
    REQUIRE(hole.size() == 1);
    CHECK(hole[0].begin == 0);
    CHECK(hole[0].end == 100);
    CHECK(hole[0].block.empty());
    CHECK(h.session.send_position() == 100);
    CHECK(data_of(h.send(100, 101)).at(0).begin == 100);
  }
  SECTION("under a former id of it: on where the peer stands, which is told as a hole") {
    peer.received = {0x8888, 150};
    CHECK(data_of(h.establish(peer)).at(0).end == 150);
    CHECK(h.session.send_position() == 150);
  }
  SECTION("under a former id, in what that one lost: where it ended") {
    peer.received = {0x8888, 190};
    CHECK(data_of(h.establish(peer)).at(0).end == 180);
    CHECK(h.session.send_position() == 180);
  }
  SECTION("below the beginning: what is gone is told") {
    peer.received = {our_queue_id, 50};
    CHECK(data_of(h.establish(peer)).at(0).begin == 50);
    CHECK(h.session.send_position() == 100);
    CHECK(data_of(h.send(100, 101)).at(0).begin == 100);
  }
  SECTION("in what was queued, and sent over another session, since this one began") {
    h.session.on_queue_end(300);
    peer.received = {our_queue_id, 250};
    h.establish(peer);
    CHECK(h.session.send_position() == 250);
  }
  SECTION("beyond the end: our queue is not what it was") {
    peer.received = {our_queue_id, 201};
    const auto effects = h.establish(peer);
    check_protocol_error(h, effects);
    CHECK(only<established>(effects).empty());
  }
}

TEST_CASE("send: what the queue drops while it waits is told as a hole") {
  harness h;
  h.establish();
  h.send(0, 10);
  h.session.on_queue_begin(20);
  CHECK(h.session.send_position() == 20);
  const auto frames = data_of(h.send(20, 21));
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].begin == 10);
  CHECK(offsets_in(frames) == std::vector<std::uint64_t>{20});
  h.session.on_queue_begin(5);
  CHECK(h.session.send_position() == 21);
}

TEST_CASE("send: a hole before a fragmented record is told first") {
  harness h;
  auto peer = london();
  peer.frame_bytes_max = wire::frame_bytes_min;
  h.establish(peer);
  h.session.on_queue_begin(20);
  const auto frames = data_of(h.send(20, 21, 5000));
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].begin == 0);
  CHECK(frames[0].end == 20);
  CHECK(frames[0].block.empty());
  CHECK(frames[1].begin == 20);
}

TEST_CASE("send: records that all expired are a frame without records") {
  harness h;
  h.establish();
  h.session.send_data(0, 7, {}, now_ms, h.now);
  const auto frames = data_of(h.session.take_effects());
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].end == 7);
  CHECK(h.session.inflight_bytes() == 0);
  CHECK(only<acked>(h.react(wire::ack{7, std::nullopt})).size() == 1);
}

#include <catch2/catch.hpp>

#include "tests/unit/session/harness.hpp"

using namespace linkd;
using namespace linkd::session;
using namespace linkd::session::test;

namespace {

using offsets = std::vector<std::uint64_t>;

std::vector<std::uint64_t> received_positions(const std::vector<effect>& effects) {
  std::vector<std::uint64_t> out;
  for (const auto& each : only<received_up_to>(effects)) out.push_back(each.offset);
  return out;
}

wire::data fragment(std::uint64_t begin, const bytes& record, std::size_t at, std::size_t size) {
  wire::data out;
  out.block = record.substr(at, size);
  out.begin = begin;
  out.end = begin + (at + out.block.size() == record.size() ? 1 : 0);
  out.block_bytes = static_cast<std::uint32_t>(out.block.size());
  out.fragment_offset = at;
  out.fragment_total_bytes = record.size();
  return out;
}

}  // namespace

TEST_CASE("data: records are delivered in order, and the position follows them") {
  harness h;
  h.establish();
  const auto effects = h.react(make_data(0, 3));
  REQUIRE(effects.size() == 2);
  CHECK(delivered_offsets(effects) == offsets{0, 1, 2});
  CHECK(delivered_records(effects)[0] == make_record(10));
  CHECK(only<deliver>(effects)[0].sent_at_ms == now_ms);
  CHECK(std::get<received_up_to>(effects.back()).offset == 3);
}

TEST_CASE("data: what no longer exists moves the position without a record") {
  harness h;
  h.establish();
  const bytes record = make_record(10);
  auto effects = h.react(make_data(0, 10, {{4, record}, {7, record}}));
  CHECK(delivered_offsets(effects) == offsets{4, 7});
  CHECK(received_positions(effects) == offsets{10});
  effects = h.react(make_data(10, 20, {}));
  CHECK(delivered_offsets(effects).empty());
  CHECK(received_positions(effects) == offsets{20});
}

TEST_CASE("data: what came before is not delivered again") {
  harness h;
  h.establish();
  h.react(make_data(0, 5));
  CHECK(h.react(make_data(0, 5)).empty());
  CHECK(h.react(make_data(2, 4)).empty());
  CHECK(delivered_offsets(h.react(make_data(3, 7))) == offsets{5, 6});
}

TEST_CASE("data: a session goes on where the last one of this queue ended") {
  auto local = paris();
  local.received = {peer_queue_id, 4};
  harness h(role::dialler, local);
  SECTION("the same queue") {
    h.establish();
    CHECK(delivered_offsets(h.react(make_data(2, 6))) == offsets{4, 5});
  }
  SECTION("a new queue begins at 0") {
    auto peer = london();
    peer.queue_id = 0xffff;
    CHECK(sent<wire::ack>(h.establish(peer)).empty());
    CHECK(delivered_offsets(h.react(make_data(0, 2))) == offsets{0, 1});
  }
}

TEST_CASE("data: frames that overtake each other are put in order") {
  harness h;
  h.establish();
  CHECK(h.react(make_data(4, 6)).empty());
  CHECK(h.react(make_data(2, 4)).empty());
  const auto effects = h.react(make_data(0, 2));
  CHECK(delivered_offsets(effects) == offsets{0, 1, 2, 3, 4, 5});
  CHECK(received_positions(effects) == offsets{6});
}

TEST_CASE("data: frames that overtake HELLO_ACK are kept") {
  harness h;
  h.session.start(h.now);
  CHECK(h.react(make_data(2, 4)).size() == 0);
  CHECK(h.react(make_data(0, 2)).size() == 0);
  const auto effects = h.react(wire::hello_ack{london()});
  CHECK(delivered_offsets(effects) == offsets{0, 1, 2, 3});
  REQUIRE(only<established>(effects).size() == 1);
}

TEST_CASE("data: a hole that stays is asked for again, once a retry interval") {
  auto local = paris();
  local.retry_interval = 3s;
  harness h(role::dialler, local);
  h.establish();
  h.react(make_data(0, 2));
  h.react(make_data(4, 6));
  CHECK(sent<wire::ack>(h.wait(3s - 1us)).empty());
  CHECK(sent<wire::ack>(h.wait(1us)) == std::vector<wire::ack>{{0, 2}});
  CHECK(sent<wire::ack>(h.wait(6s)).size() == 2);
  // All of it comes again: what came early was forgotten.
  CHECK(delivered_offsets(h.react(make_data(2, 4))) == offsets{2, 3});
  CHECK(delivered_offsets(h.react(make_data(4, 6))) == offsets{4, 5});
  CHECK(sent<wire::ack>(h.wait(9s)).empty());
}

TEST_CASE("data: a tail that was lost shows in the heartbeat") {
  harness h;
  h.establish();
  h.react(make_data(0, 2));
  h.react(wire::ping{1, 0, 0, 0, 5});
  const auto acks = sent<wire::ack>(h.wait(15s));
  REQUIRE(acks.size() == 1);
  CHECK(acks[0].resend_from == 2);
  h.react(make_data(2, 5));
  CHECK(sent<wire::ack>(h.wait(30s)).empty());
}

TEST_CASE("data: progress on a slow path puts off asking again") {
  harness h;
  h.establish();
  h.react(wire::ping{1, 0, 0, 0, 100});
  for (std::uint64_t offset = 0; offset < 5; ++offset) {
    CHECK(sent<wire::ack>(h.wait(14s)).empty());
    h.receive(make_data(offset, offset + 1));
  }
  CHECK(sent<wire::ack>(h.wait(15s)).size() == 1);
}

TEST_CASE("data: fragments are joined, in whatever order and however often they come") {
  harness h;
  h.establish();
  const bytes record = make_record(100);
  const auto part = [&](std::size_t at) { return fragment(0, record, at, 40); };
  CHECK(h.react(part(40)).empty());
  CHECK(h.react(make_data(1, 2)).empty());
  CHECK(h.react(part(0)).empty());
  CHECK(h.react(part(0)).empty());
  const auto effects = h.react(part(80));
  REQUIRE(delivered_offsets(effects) == offsets{0, 1});
  CHECK(delivered_records(effects)[0] == record);
  CHECK(received_positions(effects) == offsets{2});
  CHECK(h.react(part(80)).empty());
}

TEST_CASE("data: a peer that breaks the rules is told and left, what came before counts") {
  auto local = paris();
  local.message_bytes_max = 200;
  harness h(role::dialler, local);
  h.establish();
  h.receive(make_data(0, 1));
  std::vector<effect> effects;
  SECTION("a block that does not parse") {
    auto data = make_data(1, 2);
    data.block.back() = 'x';
    data.block.pop_back();
    data.block_bytes -= 1;
    effects = h.react(data);
  }
  SECTION("a block that does not decompress") {
    auto data = make_data(1, 2);
    data.compressed = true;
    data.block_bytes *= 2;
    effects = h.react(data);
  }
  SECTION("a record larger than we accept") {
    effects = h.react(make_data(1, 2, {{1, make_record(201)}}));
  }
  SECTION("fragments of one") {
    effects = h.react(fragment(1, make_record(300), 0, 100));
  }
  SECTION("fragments that do not belong together") {
    h.receive(fragment(1, make_record(150), 0, 100));
    effects = h.react(fragment(1, make_record(160), 100, 20));
  }
  check_protocol_error(h, effects);
  CHECK(only<deliver>(effects).empty());
}

TEST_CASE("data: a peer that sends more than its credit is left") {
  harness h;
  h.establish();
  const bytes record = make_record(1'000'000);
  std::uint64_t offset = 0;
  const auto next = [&] {
    auto effects = h.react(make_data(offset, offset + 1, {{offset, record}}));
    ++offset;
    return effects;
  };
  std::size_t bytes = 0;
  const auto cost = record.size() + record_credit_overhead_bytes;
  for (; bytes + cost <= limits::inflight_bytes_max; bytes += cost)
    REQUIRE(delivered_offsets(next()).size() == 1);
  SECTION("at once") {
    check_protocol_error(h, next());
  }
  SECTION("not if the first is delivered before") {
    h.session.on_delivered(1, h.now);
    CHECK(delivered_offsets(next()).size() == 1);
    check_protocol_error(h, next());
  }
}

TEST_CASE("data: what comes too early is kept up to the credit and dropped beyond") {
  harness h;
  h.establish();
  const bytes record = make_record(1'000'000);
  for (std::uint64_t offset = 1; offset <= 20; ++offset)
    CHECK(h.react(make_data(offset, offset + 1, {{offset, record}})).empty());
  const auto effects = h.react(make_data(0, 1));
  CHECK(only<deliver>(effects).size() < 10);
  CHECK_FALSE(h.session.is_over());
}

TEST_CASE("data: what is delivered is acknowledged at once and only once") {
  harness h;
  h.establish();
  h.react(make_data(0, 5));
  h.session.on_delivered(3, h.now);
  CHECK(sent<wire::ack>(h.session.take_effects()) == std::vector<wire::ack>{{3, std::nullopt}});
  h.session.on_delivered(3, h.now);
  h.session.on_delivered(2, h.now);
  CHECK(h.session.take_effects().empty());
  // Never more than was received.
  h.session.on_delivered(99, h.now);
  CHECK(sent<wire::ack>(h.session.take_effects()) == std::vector<wire::ack>{{5, std::nullopt}});
}

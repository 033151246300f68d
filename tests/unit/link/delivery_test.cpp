#include <catch2/catch.hpp>
#include <set>

#include "link/delivery.hpp"
#include "mqtt_linkd/limits.hpp"
#include "tests/unit/link/fake_crash_journal.hpp"

using namespace linkd;
using namespace linkd::link;

namespace {

// A broker that takes everything and answers nothing by itself.
class silent_broker : public broker {
 public:
  void start(broker_events&) override {}
  void stop() override {}
  void capture(std::vector<std::string>) override {}
  result<void> publish(publication_id id, const message& what) override {
    if (crashes) in_hand.push_back(crashes->held);
    if (refused.count(what.topic)) return error{errc::too_large, "larger than the broker takes"};
    ids.push_back(id);
    sent.push_back(what);
    return {};
  }
  void commit_done(bool) override {}
  [[nodiscard]] std::uint64_t oversize_total() const override { return 0; }

  std::vector<publication_id> ids;
  std::vector<message> sent;
  std::set<std::string> refused;
  const fake_crash_journal* crashes = nullptr;
  std::vector<std::optional<queue_records>> in_hand;  // at each publish
};

class recorder : public delivery_owner {
 public:
  void on_delivery(const consignment& which, const delivery_outcome& outcome) override {
    offsets.push_back(which.offset);
    outcomes.push_back(outcome);
  }
  std::vector<std::uint64_t> offsets;
  std::vector<delivery_outcome> outcomes;
};

struct fixture {
  void submit(std::uint64_t offset, const std::string& topic = "t", std::uint8_t qos = 1,
              std::optional<std::uint32_t> expiry_s = std::nullopt, std::uint64_t age_ms = 0) {
    message what;
    what.topic = topic;
    what.qos = qos;
    what.properties.message_expiry_interval_s = expiry_s;
    out.submit(owner, {0, 7, offset, what, now, age_ms});
  }
  void up(std::size_t window = 128) {
    out.on_up({true, true, window});
    out.pump(now);
  }
  void answer(std::size_t nth, std::uint8_t code = 0) {
    out.on_published({target.ids[nth], code});
    out.pump(now);
  }

  time_point now{seconds(100)};
  silent_broker target;
  recorder owner;
  fake_crash_journal crashes;
  delivery out{target, crashes};
};

}  // namespace

TEST_CASE_METHOD(fixture, "delivery: nothing is published before the broker is up", "[link]") {
  submit(0);
  out.pump(now);
  CHECK(target.sent.empty());
  up();
  CHECK(target.sent.size() == 1);
}

TEST_CASE_METHOD(fixture, "delivery: the window is the smaller of ours and the broker's",
                 "[link]") {
  for (std::uint64_t i = 0; i <= limits::publishes_inflight_max; ++i) submit(i);
  SECTION("ours") {
    up(65535);
    CHECK(target.sent.size() == limits::publishes_inflight_max);
  }
  SECTION("the broker's") {
    up(3);
    CHECK(target.sent.size() == 3);
    answer(0);
    CHECK(target.sent.size() == 4);
    CHECK(out.inflight() == 3);
  }
}

TEST_CASE_METHOD(fixture, "delivery: what was in flight is published again in order, QoS 0 is not",
                 "[link]") {
  submit(0, "a");
  submit(1, "b", 0);
  submit(2, "c");
  submit(3, "d");
  up(3);
  answer(0);
  out.on_down(true);
  CHECK(owner.offsets == std::vector<std::uint64_t>{0, 1});
  target.sent.clear();
  up(3);
  REQUIRE(target.sent.size() == 2);
  CHECK(target.sent[0].topic == "c");
  CHECK(target.sent[1].topic == "d");
}

TEST_CASE_METHOD(fixture,
                 "delivery: a refused message is rejected with its reason, the next goes on",
                 "[link]") {
  target.refused = {"huge"};
  submit(0, "denied");
  submit(1, "huge");
  submit(2, "fine");
  up();
  answer(0, 0x87);
  answer(1);
  REQUIRE(owner.outcomes.size() == 3);
  CHECK(owner.offsets == std::vector<std::uint64_t>{1, 0, 2});
  CHECK(owner.outcomes[0].reason == "larger than the broker takes");
  CHECK(owner.outcomes[1].reason == "0x87 not authorized");
  CHECK(owner.outcomes[2].what == delivery_outcome::kind::published);
}

TEST_CASE_METHOD(fixture,
                 "delivery: a poison message is parked at its third loss and blames no bystander",
                 "[link]") {
  submit(0, "poison");
  for (std::uint64_t i = 1; i < 10; ++i) submit(i, "innocent");
  up();
  out.on_down(true);
  up();
  out.on_down(true);
  target.ids.clear();
  target.sent.clear();
  up();
  REQUIRE(target.sent.size() == 1);  // a suspect travels alone
  CHECK(target.sent[0].topic == "poison");
  out.on_down(true);
  REQUIRE(owner.outcomes.size() == 1);
  CHECK(owner.outcomes[0].what == delivery_outcome::kind::rejected);
  target.ids.clear();
  up();
  for (std::size_t i = 0; i < 9; ++i) answer(i);
  CHECK(owner.offsets.size() == 10);
  for (std::size_t i = 1; i < 10; ++i)
    CHECK(owner.outcomes[i].what == delivery_outcome::kind::published);
}

TEST_CASE_METHOD(fixture,
                 "delivery: whoever is in flight when a broker closes over a refusal is not blamed",
                 "[link]") {
  submit(0, "secret");
  for (std::uint64_t offset = 1; offset < 10; ++offset) submit(offset);
  // As mosquitto 2.0.11 does: the refusal is lost with the connection it ends, twice.
  for (int i = 0; i < 2; ++i) {
    up();
    out.on_down(true);
  }
  target.ids.clear();
  up();
  answer(0, 0x87);
  REQUIRE(target.ids.size() == 2);  // the next suspect, alone
  out.on_down(true);
  target.ids.clear();
  up();
  for (std::size_t i = 0; i < 9; ++i) answer(i);
  REQUIRE(owner.outcomes.size() == 10);
  CHECK(owner.outcomes[0].what == delivery_outcome::kind::rejected);
  for (std::size_t i = 1; i < 10; ++i)
    CHECK(owner.outcomes[i].what == delivery_outcome::kind::published);
}

TEST_CASE_METHOD(fixture, "delivery: losses that the broker did not cause park nothing", "[link]") {
  submit(0);
  for (int i = 0; i < 10; ++i) {
    up();
    out.on_down(false);
  }
  CHECK(owner.offsets.empty());
}

TEST_CASE_METHOD(
    fixture, "delivery: the expiry interval is reduced by the time spent, then the message expires",
    "[link]") {
  submit(0, "t", 1, 60, 10'999);
  submit(1, "t", 1, 30, 10'000);
  now += seconds(20);
  up();
  REQUIRE(target.sent.size() == 1);
  CHECK(target.sent[0].properties.message_expiry_interval_s == 30u);  // 60 - floor(10.999 + 20)
  REQUIRE(owner.outcomes.size() == 1);
  CHECK(owner.offsets[0] == 1);
  CHECK(owner.outcomes[0].what == delivery_outcome::kind::expired);
}

TEST_CASE_METHOD(fixture, "delivery: an owner that is gone is told nothing", "[link]") {
  submit(0);
  submit(1);
  up(1);
  out.forget(owner);
  answer(0);
  CHECK(owner.offsets.empty());
  CHECK(target.sent.size() == 1);
}

TEST_CASE_METHOD(fixture,
                 "delivery: paused, nothing new is published and what is in flight is answered",
                 "[link]") {
  submit(0);
  submit(1);
  up(1);
  out.pause();
  answer(0);
  CHECK(out.inflight() == 0);
  CHECK(target.sent.size() == 1);
}

TEST_CASE_METHOD(fixture, "delivery: a message is in hand while the broker adapter takes it",
                 "[link]") {
  target.crashes = &crashes;
  submit(5);
  submit(6, "t", 1, 60);
  up();
  using held = std::optional<queue_records>;
  CHECK(target.in_hand == std::vector<held>{queue_records{7, 5, 6}, queue_records{7, 6, 7}});
  CHECK_FALSE(crashes.held);
}

#include <algorithm>
#include <map>
#include <set>

#include "tests/unit/session/harness.hpp"

// Two sessions, joined by lanes that delay, reorder and lose, between two links that keep what
// outlives a session. After a while of trouble the way is healed, and everything must arrive.

using namespace linkd;
using namespace linkd::session;
using namespace linkd::session::test;

namespace {

using engine = linkd::test::random_engine;
using linkd::test::below;

microseconds random_time(engine& random, milliseconds most) {
  return microseconds(below(random, static_cast<std::uint64_t>(microseconds(most).count()) + 1));
}

// One deployment's queue, interest and deliveries, as a link keeps them.
struct side {
  std::string name, peer;
  std::uint64_t queue_id = 0;
  std::vector<bytes> queue;      // by offset; empty: expired
  std::set<std::uint64_t> gone;  // offsets that may never arrive
  std::uint64_t queue_begin = 0, peer_delivered = 0;

  wire::cursor received;
  std::uint64_t delivered = 0;
  std::map<std::pair<std::uint64_t, std::uint64_t>, bytes> taken;  // by queue id and offset
  std::vector<std::pair<std::uint64_t, std::uint64_t>> order;      // in which they came

  interest::peer_view view;
  interest::announcement announced;
  std::optional<link_session> session;
  std::uint64_t peer_inflight_bytes_max = 0;
};

struct flying {
  time_point at;
  std::uint64_t number = 0;  // keeps what arrives at once in order
  std::size_t to = 0;
  wire::frame what;
  bool operator>(const flying& other) const {
    return std::tie(at, number) > std::tie(other.at, other.number);
  }
};

class world {
 public:
  explicit world(std::uint64_t seed) : random_(seed) {
    for (std::size_t i = 0; i < 2; ++i) {
      sides_[i].name = i == 0 ? "paris" : "london";
      sides_[i].peer = i == 0 ? "london" : "paris";
      sides_[i].queue_id = 100 + i;
    }
    frame_bytes_max_ = below(random_, 2) == 0 ? wire::frame_bytes_min : 50'000;
    data_lanes_ = 1 + below(random_, 3);
    trouble_until_ = now_ + 120s;
    end_ = trouble_until_ + 600s;
    connect();
  }

  void run() {
    while (now_ < end_ && !(now_ > trouble_until_ && is_settled())) step();
    INFO("sent and taken: " << sides_[0].queue.size() << " " << sides_[1].taken.size() << ", "
                            << sides_[1].queue.size() << " " << sides_[0].taken.size());
    REQUIRE(is_settled());
    for (std::size_t i = 0; i < 2; ++i) check_all_arrived(sides_[i], sides_[1 - i]);
  }

  std::size_t records() const { return sides_[0].order.size() + sides_[1].order.size(); }
  std::size_t sessions() const { return sessions_; }

 private:
  bool in_trouble() const { return now_ < trouble_until_; }

  void connect() {
    ++sessions_;
    frames_.clear();
    const auto session_id = random_() | 1;
    for (std::size_t i = 0; i < 2; ++i) {
      auto& s = sides_[i];
      s.session.reset();
      local_side local;
      local.deployment = s.name;
      local.peer = s.peer;
      local.queue_id = s.queue_id;
      local.queue_begin = s.queue_begin;
      local.queue_end = s.queue.size();
      local.received = s.received;
      local.frame_bytes_max = frame_bytes_max_;
      local.retry_interval = 3s;
      s.session.emplace(i == dialler_ ? role::dialler : role::acceptor, local, session_id, s.view,
                        s.announced);
    }
    dialler_ = 1 - dialler_;
    for (auto& s : sides_) s.session->start(now_);
    for (auto& s : sides_) carry_out(s);
  }

  // The next frame or deadline, with some work of the links before it.
  void step() {
    for (auto& s : sides_) live(s);
    time_point next = now_ + random_time(random_, 200ms);
    for (const auto& s : sides_) {
      if (const auto due = s.session->deadline()) next = std::min(next, *due);
    }
    if (!frames_.empty()) next = std::min(next, frames_.front().at);
    now_ = std::max(now_, next);
    while (!frames_.empty() && frames_.front().at <= now_) arrive();
    for (auto& s : sides_) {
      if (const auto due = s.session->deadline(); due && *due <= now_) {
        s.session->on_time(now_);
        carry_out(s);
      }
    }
    const bool over = sides_[0].session->is_over() || sides_[1].session->is_over();
    if (over || (in_trouble() && below(random_, 300) == 0)) connect();
  }

  // Captures, expiry, interest changes, deliveries at the local broker, and sending.
  void live(side& s) {
    if (in_trouble() && s.queue.size() < 3000 && below(random_, 4) == 0) {
      for (auto count = below(random_, 20); count > 0; --count) s.queue.push_back(random_record());
    }
    if (in_trouble() && below(random_, 200) == 0) {
      for (auto count = below(random_, s.queue.size() - s.queue_begin + 1) / 4; count > 0; --count)
        s.gone.insert(s.queue_begin++);
      s.session->on_queue_begin(s.queue_begin);
    }
    if (in_trouble() && !s.queue.empty() && below(random_, 20) == 0) {
      const auto offset = below(random_, s.queue.size());
      if (offset >= s.session->send_position()) {
        s.queue[offset].clear();
        s.gone.insert(offset);
      }
    }
    if (in_trouble() && below(random_, 30) == 0) change_interest(s);
    if (s.delivered < s.received.offset && below(random_, 3) == 0) {
      s.delivered += 1 + below(random_, s.received.offset - s.delivered);
      s.session->on_delivered(s.delivered, now_);
    }
    send(s);
    carry_out(s);
  }

  void change_interest(side& s) {
    std::vector<std::string> added, removed;
    for (auto count = below(random_, 200); count > 0; --count)
      (count % 2 ? added : removed).push_back("t/" + std::to_string(below(random_, 400)));
    if (const auto change = s.announced.apply(added, removed)) s.session->announce(*change, now_);
  }

  bytes random_record() {
    const std::size_t most = below(random_, 50) == 0 ? 120'000 : 300;
    return wire::encode_record(
        stamp(), {"t", linkd::test::random_bytes(random_, below(random_, most)), 1, false, {}});
  }

  void send(side& s) {
    for (;;) {
      const auto position = s.session->send_position();
      std::size_t waiting_bytes = 0;
      for (auto i = position; i < s.queue.size() && waiting_bytes < limits::batch_bytes; ++i)
        waiting_bytes += s.queue[i].size() + 1;
      const auto pull = s.session->want_data(waiting_bytes, now_, now_);
      if (pull.bytes == 0) return;
      REQUIRE(pull.offset == position);
      std::vector<wire::numbered_record> records;
      std::uint64_t end = position;
      for (std::size_t bytes = 0; end < s.queue.size() && bytes < pull.bytes; ++end) {
        if (s.queue[end].empty()) continue;
        records.push_back({end, s.queue[end]});
        bytes += s.queue[end].size();
      }
      s.session->send_data(position, end, records, now_ms, now_);
      const auto inflight = s.session->inflight_bytes();
      const bool alone = inflight <= 120'000 + 200;  // one large record
      REQUIRE((inflight <= s.peer_inflight_bytes_max || alone));
    }
  }

  void carry_out(side& s) {
    for (auto& each : s.session->take_effects()) {
      std::visit([&](auto& what) { on(s, what); }, each);
    }
  }

  void on(side& s, send_frame& what) {
    REQUIRE(wire::encode(what.what).size() <= frame_bytes_max_);
    // Credit small enough to matter.
    if (auto* hello = std::get_if<wire::hello>(&what.what.body)) hello->inflight_bytes_max = 20'000;
    if (auto* ack = std::get_if<wire::hello_ack>(&what.what.body)) ack->inflight_bytes_max = 20'000;
    // A lost connection under the path takes DATA with it; the control lane breaks the session.
    if (!what.control && in_trouble() && below(random_, 50) == 0) return;
    auto at = now_ + 1ms + random_time(random_, 20ms);
    const std::size_t to = &s == &sides_[0] ? 1 : 0;
    const std::size_t lane = what.control ? 0 : 1 + below(random_, data_lanes_);
    auto& busy = lanes_[std::pair(to, lane)];
    busy = at = std::max(busy, at);
    frames_.push_back({at, ++frames_sent_, to, std::move(what.what)});
    std::push_heap(frames_.begin(), frames_.end(), std::greater<>());
  }
  void on(side& s, established& what) {
    s.peer_inflight_bytes_max = what.peer.inflight_bytes_max;
    if (what.peer.queue_id != s.received.queue_id) {
      s.received = {what.peer.queue_id, 0};
      s.delivered = 0;
    }
    s.session->on_delivered(s.delivered, now_);
  }
  void on(side& s, deliver& what) {
    for (const auto& each : what.records) {
      REQUIRE(each.offset >= s.received.offset);
      const std::pair key(s.received.queue_id, each.offset);
      REQUIRE((s.order.empty() || s.order.back() < key));
      REQUIRE(s.taken.emplace(key, bytes(each.record)).second);
      s.order.push_back(key);
    }
  }
  void on(side& s, received_up_to& what) {
    REQUIRE(what.offset > s.received.offset);
    REQUIRE((s.order.empty() || s.order.back().second < what.offset));
    s.received.offset = what.offset;
  }
  void on(side& s, acked& what) {
    REQUIRE(what.offset >= s.peer_delivered);
    s.peer_delivered = what.offset;
    const side& other = sides_[&s == &sides_[0] ? 1 : 0];
    REQUIRE(what.offset <= other.delivered);
    s.queue_begin = std::max(s.queue_begin, what.offset);
  }
  void on(side&, closed& what) {
    INFO(what.reason);
    REQUIRE_FALSE(what.protocol);
  }
  void on(side&, refused_by&) { FAIL("refused"); }
  void on(side&, interest_changed&) {}
  void on(side&, round_trip& what) { REQUIRE(what.time > 0us); }

  void arrive() {
    std::pop_heap(frames_.begin(), frames_.end(), std::greater<>());
    flying first = std::move(frames_.back());
    frames_.pop_back();
    const auto read = wire::decode(wire::encode(first.what));
    REQUIRE(read.has_value());
    auto& s = sides_[first.to];
    s.session->on_frame(*read, now_);
    carry_out(s);
  }

  bool is_settled() const {
    for (std::size_t i = 0; i < 2; ++i) {
      const auto &from = sides_[i], &to = sides_[1 - i];
      if (from.peer_delivered != from.queue.size()) return false;
      if (to.view.current() != from.announced.current()) return false;
    }
    return true;
  }

  // Everything arrived as it was; only what the queue lost on the way may be missing.
  void check_all_arrived(const side& from, const side& to) {
    for (std::uint64_t offset = 0; offset < from.queue.size(); ++offset) {
      const auto found = to.taken.find({from.queue_id, offset});
      if (found == to.taken.end()) {
        REQUIRE(from.gone.contains(offset));
      } else if (!from.queue[offset].empty()) {
        REQUIRE(found->second == from.queue[offset]);
      }
    }
    REQUIRE(to.taken.rbegin()->first < std::pair(from.queue_id, from.queue.size()));
  }

  engine random_;
  time_point now_{1h}, trouble_until_, end_;
  side sides_[2];
  std::size_t dialler_ = 0, sessions_ = 0, data_lanes_ = 1;
  std::size_t frame_bytes_max_ = 0;
  std::vector<flying> frames_;  // a heap, the earliest in front
  std::uint64_t frames_sent_ = 0;
  std::map<std::pair<std::size_t, std::size_t>, time_point> lanes_;
};

}  // namespace

TEST_CASE("pipe: through delay, reordering, loss and new sessions every record arrives once") {
  const auto seed = GENERATE(range(1, 25));
  CAPTURE(seed);
  world w(static_cast<std::uint64_t>(seed));
  w.run();
  CHECK(w.records() > 100);
  CHECK(w.sessions() > 1);
}

#include "tests/sim/sim_broker.hpp"

#include <algorithm>

#include "topic/topic.hpp"

namespace linkd::sim {
namespace {

constexpr std::size_t batch_messages_max = 32;
constexpr microseconds reconnect_delay = seconds(1);

}  // namespace

void sim_broker::publish(const message& what) {
  if (!running_) return;
  const bool wanted = std::any_of(filters_.begin(), filters_.end(), [&](const std::string& filter) {
    return topic::matches(filter, what.topic);
  });
  if (!wanted || (what.qos == 0 && !client_)) return;
  session_.push_back({++last_number_, what});
  if (client_) client_->pump();
}

void sim_broker::drop_connection() {
  if (client_) client_->lost("connection reset by the broker");
}

void sim_broker::set_running(bool running) {
  running_ = running;
  if (!running) drop_connection();
}

sim_broker_client::~sim_broker_client() {
  disconnect();
}

void sim_broker_client::later(microseconds delay, std::function<void()> event) {
  world_.after(delay, [event = std::move(event), alive = std::weak_ptr(connection_)] {
    if (!alive.expired()) event();
  });
}

void sim_broker_client::start(broker_events& events) {
  events_ = &events;
  connect_later(delay_);
}

void sim_broker_client::connect_later(microseconds delay) {
  later(delay, [this] {
    if (!server_.running_) {
      events_->on_broker_down({errc::unavailable, "connection refused"}, false);
      connect_later(reconnect_delay);
      return;
    }
    connected_ = true;
    delay_ = world_.between(microseconds(100), milliseconds(2));
    server_.client_ = this;
    server_.filters_ = wanted_;
    sent_up_to_ = acked_up_to_ = 0;
    gated_ = pumping_ = false;
    events_->on_broker_up({true, true, 128});
    pump();
  });
}

void sim_broker_client::disconnect() {
  if (connected_) {
    server_.client_ = nullptr;
    std::erase_if(server_.session_, [](const auto& waiting) { return waiting.what.qos == 0; });
    const std::uint64_t under_way = stream_->published - stream_->arrived;
    stream_->arrives_up_to = stream_->arrived + world_.random().below(under_way + 1);
    stream_ = std::make_shared<stream>();
  }
  connected_ = false;
  connection_ = std::make_shared<char>();
}

void sim_broker_client::lost(const std::string& reason) {
  disconnect();
  later(microseconds(0), [this, reason] {
    events_->on_broker_down({errc::unavailable, reason}, true);
    connect_later(reconnect_delay);
  });
}

// In good order: the PUBACKs that were written arrive.
void sim_broker_client::stop() {
  if (connected_) forget_acknowledged();
  disconnect();
  events_ = nullptr;
}

void sim_broker_client::forget_acknowledged() {
  std::erase_if(server_.session_,
                [&](const auto& waiting) { return waiting.number <= acked_up_to_; });
}

void sim_broker_client::capture(std::vector<std::string> filters) {
  wanted_ = std::move(filters);
  if (!connected_) return;
  later(delay_, [this] {
    server_.filters_ = wanted_;
    if (std::erase(server_.filters_, server_.refused_filter) > 0) {
      events_->on_capture_refused(server_.refused_filter, 0x8f);
    }
  });
}

result<void> sim_broker_client::publish(publication_id id, const message& what) {
  if (!connected_) return error{errc::unavailable, "not connected"};
  if (server_.on_linkd_call) server_.on_linkd_call(what);
  // What is on its way when the connection breaks may still arrive, up to some point of the stream;
  // its PUBACK does not.
  world_.after(delay_, [this, server = &server_, id, what, stream = stream_,
                        number = ++stream_->published, alive = std::weak_ptr(connection_)] {
    if (alive.expired() && !(number <= stream->arrives_up_to && server->running_)) return;
    stream->arrived = number;
    if (server->on_linkd_publish) server->on_linkd_publish(what);
    if (alive.expired()) return;
    later(delay_, [this, id] { events_->on_published({{id, 0}}); });
  });
  return {};
}

void sim_broker_client::pump() {
  if (gated_ || pumping_ || !connected_) return;
  pumping_ = true;
  later(delay_, [this] {
    pumping_ = false;
    deliver();
  });
}

void sim_broker_client::deliver() {
  std::vector<message> batch;
  for (const auto& waiting : server_.session_) {
    if (waiting.number <= sent_up_to_) continue;
    if (batch.size() == batch_messages_max) break;
    sent_up_to_ = waiting.number;
    batch.push_back(waiting.what);
  }
  if (batch.empty()) return;
  gated_ = true;
  events_->on_captured(std::move(batch));
}

void sim_broker_client::commit_done(bool stored) {
  if (!stored) return disconnect();
  if (!connected_) return;
  acked_up_to_ = sent_up_to_;
  later(delay_, [this] { forget_acknowledged(); });
  gated_ = false;
  pump();
}

}  // namespace linkd::sim

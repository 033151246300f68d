#pragma once

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "broker/mqtt_broker.hpp"
#include "tests/support/run_until.hpp"

namespace linkd::test {

class silent_logger : public logger {
 public:
  void write(log_level, std::string_view event, std::string_view, std::string_view) override {
    events.emplace_back(event);
  }
  std::vector<std::string> events;
};

class seeded_random : public random_source {
 public:
  std::uint64_t next() override { return engine_(); }

 private:
  std::mt19937_64 engine_{std::random_device{}()};
};

// Keeps what would be on disk.
class kept_memory : public broker_adapter::session_memory {
 public:
  void save(bytes what, std::function<void()> done) override {
    kept = std::move(what);
    done();
  }
  bytes kept;
};

// An adapter and everything it told, over as many lives of the adapter as a test wants; every test
// with one runs twice, with either client. Batches are answered as `answer` says, at once unless it
// is empty.
class broker_world : public broker_events {
 public:
  explicit broker_world(const server_address& server) {
    settings.deployment = "paris";
    settings.broker.server = server;
    settings.broker.client_id = "mqtt-linkd-paris";
    settings.broker.client = GENERATE(broker_client::native, broker_client::libmosquitto);
    UNSCOPED_INFO((settings.broker.client == broker_client::native ? "native" : "libmosquitto"));
  }

  broker_adapter::mqtt_broker& start() {
    adapter = std::make_unique<broker_adapter::mqtt_broker>(io, settings, memory, memory.kept, log,
                                                            random);
    adapter->capture(filters);
    adapter->start(*this);
    return *adapter;
  }
  bool publish(publication_id id, const message& what) {
    return adapter->publish(id, what).has_value();
  }
  template <class Condition>
  bool until(Condition condition, std::chrono::milliseconds patience = std::chrono::seconds(20)) {
    return run_until(io, condition, patience);
  }
  // Until the broker has closed its end.
  void stop_in_good_order() {
    adapter->stop();
    up = false;
    io.restart();
    io.run();
  }
  bool until_up() {
    return until([&] { return up; });
  }
  std::vector<std::string> payloads() const {
    std::vector<std::string> out;
    for (const auto& each : captured) out.push_back(each.payload);
    return out;
  }

  void on_broker_up(const broker_session& session) override {
    up = true;
    sessions.push_back(session);
  }
  void on_broker_down(const error& reason, bool by_peer) override {
    up = false;
    downs.emplace_back(reason, by_peer);
  }
  void on_captured(std::vector<message> batch) override {
    for (auto& each : batch) captured.push_back(std::move(each));
    ++batches;
    if (commit_at_once) adapter->commit_done(true);
  }
  void on_published(const std::vector<publish_outcome>& outcomes) override {
    for (const auto& each : outcomes) published[each.id] = each.reason_code;
  }
  void on_capture_refused(const std::string& filter, std::uint8_t reason_code) override {
    refused.emplace_back(filter, reason_code);
  }

  boost::asio::io_context io;
  daemon_settings settings;
  std::vector<std::string> filters;
  kept_memory memory;
  silent_logger log;
  seeded_random random;
  std::unique_ptr<broker_adapter::mqtt_broker> adapter;

  bool commit_at_once = true;
  bool up = false;
  std::vector<broker_session> sessions;
  std::vector<std::pair<error, bool>> downs;
  std::vector<message> captured;
  std::size_t batches = 0;
  std::map<publication_id, std::uint8_t> published;
  std::vector<std::pair<std::string, std::uint8_t>> refused;
};

inline message make_message(const std::string& topic, const bytes& payload, std::uint8_t qos = 1) {
  message out;
  out.topic = topic;
  out.payload = payload;
  out.qos = qos;
  return out;
}

}  // namespace linkd::test

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mqtt_linkd/ports/broker.hpp"
#include "tests/sim/world.hpp"

namespace linkd::sim {

class sim_broker_client;

// The broker of one site, as far as a daemon can see it: a persistent session for linkd, No Local,
// and an observer that sees everything linkd publishes.
class sim_broker {
 public:
  sim_broker(world& in, std::string name) : world_(in), name_(std::move(name)) {}

  // A local client publishes.
  void publish(const message& what);
  // What linkd published here, in order of arrival.
  std::function<void(const message&)> on_linkd_publish;

  std::string refused_filter;  // linkd may not subscribe to it
  // linkd hands a message over; still within its call.
  std::function<void(const message&)> on_linkd_call;

  // The connection to linkd breaks; what was on its way is lost.
  void drop_connection();
  void set_running(bool running);
  [[nodiscard]] bool running() const { return running_; }
  [[nodiscard]] const std::vector<std::string>& captured() const { return filters_; }
  [[nodiscard]] bool drained() const { return session_.empty(); }

 private:
  friend class sim_broker_client;
  struct waiting {
    std::uint64_t number;
    message what;
  };

  world& world_;
  std::string name_;
  bool running_ = true;
  std::vector<std::string> filters_;  // of linkd's session
  std::deque<waiting> session_;       // not PUBACKed by linkd
  std::uint64_t last_number_ = 0;
  sim_broker_client* client_ = nullptr;  // connected
};

// The `broker` port of one daemon over a sim_broker.
class sim_broker_client : public broker {
 public:
  sim_broker_client(world& in, sim_broker& server) : world_(in), server_(server) {}
  ~sim_broker_client() override;

  void start(broker_events& events) override;
  void stop() override;
  void capture(std::vector<std::string> filters) override;
  result<void> publish(publication_id id, const message& what) override;
  void commit_done(bool stored) override;
  [[nodiscard]] std::uint64_t oversize_total() const override { return 0; }

 private:
  friend class sim_broker;
  // Runs later on the same connection, unless that is gone by then.
  void later(microseconds delay, std::function<void()> event);
  void connect_later(microseconds delay);
  void disconnect();
  void lost(const std::string& reason);
  void forget_acknowledged();
  void pump();
  void deliver();

  // The publishes of one connection, counted.
  struct stream {
    std::uint64_t published = 0, arrived = 0;
    std::uint64_t arrives_up_to = 0;  // although the connection broke
  };

  world& world_;
  sim_broker& server_;
  broker_events* events_ = nullptr;  // null: stopped
  std::vector<std::string> wanted_;
  bool connected_ = false;
  std::shared_ptr<stream> stream_ = std::make_shared<stream>();
  std::uint64_t sent_up_to_ = 0;  // number of the last message handed to linkd on this connection
  std::uint64_t acked_up_to_ = 0;
  bool gated_ = false;
  bool pumping_ = false;
  microseconds delay_{500};                                      // one way
  std::shared_ptr<char> connection_ = std::make_shared<char>();  // alive as long as the connection
};

}  // namespace linkd::sim

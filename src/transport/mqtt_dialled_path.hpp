#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mqtt/client.hpp"
#include "mqtt_linkd/ports/transport.hpp"
#include "transport/lane_queue.hpp"
#include "transport/path_stream.hpp"
#include "transport/protocol_choice.hpp"
#include "transport/publishing.hpp"
#include "transport/refusal_log.hpp"

namespace linkd::transport {

// What the dialer of a path keeps for it; outlives the path.
struct dial_context {
  boost::asio::io_context& io;
  refusal_log& refusals;
  protocol_choice& protocol;
};

// A path through the peer's broker: one MQTT client for control frames both ways and some that
// publish DATA. All of them or none: the path is down as soon as one of them is.
class mqtt_dialled_path : public path {
 public:
  // `outgoing`: from us to the peer. `link.control_prefix` and `link.client_id_prefix` are set.
  mqtt_dialled_path(dial_context context, link_settings link, server_address server,
                    direction outgoing, path_id id);
  ~mqtt_dialled_path() override;

  void start(path_events& events) override;
  void send(bytes frame, lane which) override;
  [[nodiscard]] std::size_t unsent_bytes() const override;
  [[nodiscard]] std::string description() const override;

 private:
  class connection;

  void connect(std::string client_id);
  void on_connected(connection& which);
  void on_message(const message& what);
  void on_published(connection& which, mqtt::packet_id id, std::uint8_t reason_code);
  void on_subscribed(std::uint8_t reason_code);
  void on_closed(const mqtt::end_of_connection& end);

  void become_up();
  void publish_waiting();
  void publish(connection& on, bytes_view frame);
  connection* next_data_connection();
  void fail(const error& reason);
  void fail_later(error reason);
  void close();

  dial_context context_;
  link_settings link_;
  server_address server_;
  direction outgoing_way_;
  std::string outgoing_topic_, incoming_topic_;
  publishing where_;
  path_id id_;
  std::optional<path_stream> stream_;
  path_events* events_ = nullptr;
  boost::asio::steady_timer attempt_timer_;

  bool mqtt5_ = true;
  bool up_ = false;
  bool over_ = false;  // nothing is sent any more
  bool told_down_ = false;
  lane_queue waiting_;
  std::size_t unacknowledged_bytes_ = 0;
  std::vector<std::unique_ptr<connection>> connections_;  // the first: control
  std::size_t last_data_connection_ = 0;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // what was posted looks at it
};

}  // namespace linkd::transport

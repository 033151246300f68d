#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/backoff.hpp"
#include "mqtt/client.hpp"
#include "mqtt_linkd/ports/log.hpp"
#include "mqtt_linkd/ports/random.hpp"
#include "mqtt_linkd/ports/transport.hpp"
#include "transport/mqtt_inbound_path.hpp"
#include "transport/protocol_choice.hpp"
#include "transport/refusal_log.hpp"

namespace linkd::transport {

// Accepts the peers that reach us through our own broker (MQTT.md): one client of that broker,
// apart from capture, connected again after every loss. One thread.
class mqtt_acceptor : private mqtt::client_events, private inbound_carrier {
 public:
  // All references but `us` must outlive the acceptor. Accepted paths may outlive it; they are
  // dead then.
  mqtt_acceptor(boost::asio::io_context& io, const daemon_settings& us, logger& log,
                random_source& random);
  ~mqtt_acceptor() override;
  mqtt_acceptor(const mqtt_acceptor&) = delete;
  mqtt_acceptor& operator=(const mqtt_acceptor&) = delete;

  // The links as they are from now on: their control prefixes and keys. A path that is there keeps
  // the key it began with.
  void configure(const std::vector<link_settings>& links);
  // Once; after configure().
  void start(acceptor_events& events);

  // Payloads on our control topics that were no frames of a peer.
  [[nodiscard]] std::uint64_t refused_total() const { return refusals_.total(); }

 private:
  struct known_link {
    std::string control_prefix;
    std::string frame_key_file;
    bool only_way = false;          // neither do we dial, nor may it dial our daemon itself
    std::optional<path_id> newest;  // of the paths that came in with a right MAC
  };
  struct inflight_frame {
    mqtt_inbound_path* inbound = nullptr;  // none: closed meanwhile
    std::string topic;
    std::size_t bytes = 0;
  };
  struct sender {
    std::string name, control_prefix;
    known_link* link = nullptr;  // none: a stranger
  };

  // mqtt::client_events
  void on_connected(const mqtt::connack& granted) override;
  void on_message(mqtt::received_message received) override;
  void on_published(mqtt::packet_id id, std::uint8_t reason_code) override;
  void on_subscribed(mqtt::packet_id id, const std::vector<std::uint8_t>& reason_codes) override;
  void on_closed(const mqtt::end_of_connection& end) override;
  // inbound_carrier
  void on_frames_waiting() override;
  void on_inbound_closed(mqtt_inbound_path& inbound) override;

  void connect();
  void lose_connection(const error& reason);
  void arm_timer(milliseconds after);
  void on_timer();
  [[nodiscard]] std::set<std::string> wanted_filters() const;
  void subscribe_missing();
  void probe();
  bool take_probe(const std::string& topic);
  void on_probe(const std::string& prefix);
  void on_probe_refused(const std::string& prefix, std::uint8_t reason_code);
  void tell_not_carried(const std::string& prefix);
  void tell_unreachable(const std::string& filter, const error& why);

  std::optional<sender> sender_of(const std::string& topic);
  void refuse(const sender& from, std::string_view why);
  void on_payload(const sender& from, bytes_view payload);
  void on_first_payload(const sender& from, bytes_view payload);
  void accept(const sender& from, path_stream stream, bytes_view first_frame);
  void answer_end(const sender& from, path_stream stream);
  [[nodiscard]] bool has_room_for(const sender& from);
  void end_path(const std::string& peer, const error& reason);
  [[nodiscard]] bool has_window() const;
  // Only with has_window().
  void publish(const std::string& topic, bytes sealed, mqtt_inbound_path* inbound,
               std::size_t frame_bytes);

  boost::asio::io_context& io_;
  broker_settings broker_;
  std::string deployment_, control_prefix_;
  std::set<std::string> prefixes_;  // control_prefix_ and those of the links
  logger& log_;
  random_source& random_;
  refusal_log refusals_;
  acceptor_events* events_ = nullptr;

  std::map<std::string, known_link> links_;
  struct live_path {
    mqtt_inbound_path* inbound;
    std::string outgoing_topic;
  };
  std::map<std::string, live_path> live_;  // by the peer's name
  std::string last_served_;                // its turn is over
  std::chrono::steady_clock::time_point next_stranger_, next_end_;

  protocol_choice protocol_;
  std::unique_ptr<mqtt::client> client_;
  bool mqtt5_ = true;
  bool up_ = false;
  mqtt::connack granted_;
  std::set<std::string> subscribed_;
  std::map<mqtt::packet_id, std::vector<std::string>> subscribing_;
  enum class proof { awaited, missing, here };
  std::map<std::string, proof> proofs_;             // that the broker carries this prefix
  std::map<mqtt::packet_id, std::string> probing_;  // prefixes, until the PUBACK
  std::map<mqtt::packet_id, inflight_frame> inflight_;
  backoff reconnect_, resubscribe_;
  std::optional<std::chrono::steady_clock::time_point> up_since_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // callbacks look at it
};

}  // namespace linkd::transport

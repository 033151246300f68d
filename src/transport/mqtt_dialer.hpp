#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "mqtt_linkd/ports/log.hpp"
#include "mqtt_linkd/ports/transport.hpp"
#include "transport/protocol_choice.hpp"
#include "transport/refusal_log.hpp"

namespace linkd::transport {

// Dials a peer through the peer's broker (MQTT.md). One thread; outlives its paths.
class mqtt_dialer : public dialer {
 public:
  // `incarnation`: of this run of the daemon, larger than that of every run before. `io` and `log`
  // must outlive the dialer; `us` is read here only.
  mqtt_dialer(boost::asio::io_context& io, const daemon_settings& us, std::uint64_t incarnation,
              logger& log);

  // For servers of scheme mqtt, mqtts or unix_socket.
  std::unique_ptr<path> dial(const link_settings& link, const server_address& server) override;

  // Payloads received on our control topics that were no frames of the peer.
  [[nodiscard]] std::uint64_t refused_total() const { return refusals_.total(); }

 private:
  boost::asio::io_context& io_;
  std::string deployment_, control_prefix_;
  std::uint64_t incarnation_;
  refusal_log refusals_;
  std::map<std::string, std::uint64_t> dials_;  // of each link
  // What is known of each broker, by link and server.
  std::map<std::pair<std::string, mqtt_protocol>, protocol_choice> protocols_;
};

}  // namespace linkd::transport

#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "mqtt/client.hpp"

namespace linkd::mqtt {

// libmosquitto does the protocol, the io_context's thread does the I/O; whatever can block before
// the CONNECT packet (files, DNS, TCP) runs on a short-lived thread. Above
// connack::receive_maximum the library keeps publishes back, and QoS 0 overtakes them.
class libmosquitto_client final : public client {
 public:
  // `io` must outlive the client and run on one thread, which makes every call here.
  libmosquitto_client(boost::asio::io_context& io, client_settings settings);
  ~libmosquitto_client() override;
  libmosquitto_client(const libmosquitto_client&) = delete;
  libmosquitto_client& operator=(const libmosquitto_client&) = delete;

  void start(client_events& events) override;
  void disconnect() override;
  result<packet_id> publish(const message& what) override;
  result<packet_id> subscribe(const std::vector<std::string>& filters,
                              const subscribe_options& options,
                              std::optional<std::uint32_t> subscription_id) override;
  result<packet_id> unsubscribe(const std::vector<std::string>& filters) override;
  void hold() override;
  void release() override;

 private:
  class connection;
  std::shared_ptr<connection> connection_;
};

}  // namespace linkd::mqtt

#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "mqtt/client.hpp"

namespace linkd::mqtt {

// A client of our own (MQTT.md), made for many small packets: what the socket has is read at once
// and is one batch, what is to be written leaves in one piece a turn of the loop. Names are looked
// up on a thread of their own; password and certificate files are read inside start().
class native_client final : public client {
 public:
  // `io` must outlive the client and run on one thread, which makes every call here.
  native_client(boost::asio::io_context& io, client_settings settings);
  ~native_client() override;
  native_client(const native_client&) = delete;
  native_client& operator=(const native_client&) = delete;

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

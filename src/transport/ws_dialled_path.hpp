#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "transport/ws_connection.hpp"

namespace linkd::transport {

// A direct path to the peer's daemon (WS.md): one attempt, then the connection. One thread.
class ws_dialled_path : public path, private ws_connection_events {
 public:
  // `deployment`: ours. `io` must outlive the path.
  ws_dialled_path(boost::asio::io_context& io, std::string deployment, link_settings link,
                  server_address server);
  ~ws_dialled_path() override;

  void start(path_events& events) override;
  void send(bytes frame, lane which) override;
  [[nodiscard]] std::size_t unsent_bytes() const override;
  [[nodiscard]] std::string description() const override { return to_string(server_); }

 private:
  class attempt;

  void on_connected(std::unique_ptr<ws_connection> connection);
  void on_failed(const error& why);
  void on_message(bytes frame) override { events_->on_frame(std::move(frame)); }
  void on_written() override { events_->on_path_room(); }
  void on_closed(const error& reason) override { events_->on_path_down(reason); }

  boost::asio::io_context& io_;
  std::string deployment_;
  link_settings link_;
  server_address server_;
  path_events* events_ = nullptr;
  std::shared_ptr<attempt> attempt_;
  std::unique_ptr<ws_connection> connection_;
};

}  // namespace linkd::transport

#include "transport/transport_dialer.hpp"

#include <boost/asio/post.hpp>
#include <string>

namespace linkd::transport {
namespace {

// A path that cannot be.
class absent_path : public path {
 public:
  absent_path(boost::asio::io_context& io, const server_address& server)
      : io_(io), server_(to_string(server)) {}

  void start(path_events& events) override {
    boost::asio::post(io_, [&events, alive = std::weak_ptr(alive_)] {
      if (alive.expired()) return;
      events.on_path_down(
          {errc::unavailable, "direct links (ws, wss) are not built into this version"});
    });
  }
  void send(bytes, lane) override {}
  [[nodiscard]] std::size_t unsent_bytes() const override { return 0; }
  [[nodiscard]] std::string description() const override { return server_; }

 private:
  boost::asio::io_context& io_;
  std::string server_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace

std::unique_ptr<path> transport_dialer::dial(const link_settings& link,
                                             const server_address& server) {
  switch (server.scheme) {
    case scheme::mqtt:
    case scheme::mqtts:
    case scheme::unix_socket:
      return mqtt_.dial(link, server);
    case scheme::ws:
    case scheme::wss:
    case scheme::http:
      break;
  }
  return std::make_unique<absent_path>(io_, server);
}

}  // namespace linkd::transport

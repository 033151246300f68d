#include "mqtt/native/dialling.hpp"

#include <sys/un.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "mqtt_linkd/time.hpp"
#include "net/name_lookup.hpp"

namespace linkd::mqtt::native {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t addresses_max = 3;
constexpr seconds address_timeout{3};

}  // namespace

// Shared with its own pending handlers.
class dialling::attempt : public std::enable_shared_from_this<attempt> {
 public:
  attempt(asio::io_context& io, callback done)
      : io_(io), done_(std::move(done)), socket_(io), timer_(io) {}

  void start(const server_address& server) {
    if (server.scheme != scheme::unix_socket) {
      lookup_.emplace(io_, server.host, server.port,
                      [this](auto found) { on_found(std::move(found)); });
    } else if (server.host.size() < sizeof(sockaddr_un::sun_path)) {
      endpoints_ = {asio::local::stream_protocol::endpoint(server.host)};
      connect_next();
    } else {
      asio::post(io_, [self = shared_from_this()] {
        self->finish(error{errc::invalid, "the path of the socket is too long"});
      });
    }
  }

  void give_up() {
    done_ = nullptr;
    lookup_.reset();
    timer_.cancel();
    close();
  }

 private:
  void on_found(result<net::name_lookup::endpoints> found) {
    if (!found) return finish(found.error());
    found->resize(std::min(found->size(), addresses_max));
    endpoints_.assign(found->begin(), found->end());
    connect_next();
  }

  void connect_next() {
    timer_.expires_after(address_timeout);
    timer_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled) self->close();
    });
    socket_.async_connect(endpoints_[next_++], [self = shared_from_this()](error_code failed) {
      self->on_connected(failed);
    });
  }

  void on_connected(error_code failed) {
    timer_.cancel();
    if (!done_) return;
    if (!failed) socket_.native_non_blocking(true, failed);
    if (!failed) {
      error_code ignored;  // fails on a Unix socket: fine
      socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
      return finish(std::move(socket_));
    }
    close();
    if (next_ < endpoints_.size()) return connect_next();
    const bool late = failed == asio::error::operation_aborted;
    finish(error{errc::io, late ? "no connection in time" : failed.message()});
  }

  void finish(result<stream::socket_type> outcome) {
    lookup_.reset();
    if (done_) std::exchange(done_, nullptr)(std::move(outcome));
  }

  void close() {
    error_code ignored;
    socket_.close(ignored);
  }

  asio::io_context& io_;
  callback done_;  // null: given up, or done
  std::optional<net::name_lookup> lookup_;
  std::vector<stream::socket_type::endpoint_type> endpoints_;
  std::size_t next_ = 0;
  stream::socket_type socket_;
  asio::steady_timer timer_;
};

dialling::dialling(asio::io_context& io, const server_address& server, callback done)
    : attempt_(std::make_shared<attempt>(io, std::move(done))) {
  attempt_->start(server);
}

dialling::~dialling() {
  attempt_->give_up();
}

}  // namespace linkd::mqtt::native

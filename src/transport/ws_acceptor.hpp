#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <vector>

#include "mqtt_linkd/ports/clock.hpp"
#include "mqtt_linkd/ports/log.hpp"
#include "mqtt_linkd/ports/random.hpp"
#include "mqtt_linkd/ports/transport.hpp"

namespace linkd::transport {

// Listens for peers that dial us directly (WS.md) and lets in those that a link's `accept` knows.
// One thread.
class ws_acceptor {
 public:
  // All references but `us` must outlive the acceptor. `us.listen` must be set.
  ws_acceptor(boost::asio::io_context& io, const daemon_settings& us, const clock& time,
              logger& log, random_source& random);
  // Accepted paths may outlive it.
  ~ws_acceptor();
  ws_acceptor(const ws_acceptor&) = delete;
  ws_acceptor& operator=(const ws_acceptor&) = delete;

  // The links as they are from now on; reads our certificate again for the connections to come. If
  // it cannot be used the old one stays, and the log says so.
  void configure(const std::vector<link_settings>& links);
  // Listens, now or as soon as the address and our certificate can be used. Once; after
  // configure().
  void start(acceptor_events& events);
  [[nodiscard]] bool is_listening() const;

 private:
  class listener;
  std::shared_ptr<listener> listener_;
};

}  // namespace linkd::transport

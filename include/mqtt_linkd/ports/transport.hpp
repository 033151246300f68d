#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "mqtt_linkd/bytes.hpp"
#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd {

// Called on the main thread, never from inside a call of `path`.
class path_events {
 public:
  virtual ~path_events() = default;
  // Frames may be sent. `frame_bytes_max`: the largest the way allows, <= limits::frame_bytes_max.
  virtual void on_path_up(std::size_t frame_bytes_max) = 0;
  virtual void on_frame(bytes frame) = 0;
  // unsent_bytes() went down: there may be room again.
  virtual void on_path_room() = 0;
  // The path is dead and tells nothing more; destroy it. errc::refused, errc::permission: the
  // reason needs a person. It is the callee's own: the path that had it is gone by then.
  virtual void on_path_down(error reason) = 0;
};

// One connection to one peer's daemon, whatever carries it. Control frames keep their order, DATA
// frames theirs unless several connections carry the path; some may be lost when a connection
// underneath is (then the path goes down on at least one side).
class path {
 public:
  // Where several connections carry a path, the lanes may overtake each other.
  enum class lane { control, data };

  virtual ~path() = default;  // closes; no event follows
  // Starts the attempt (dialled) or the flow of events (accepted). `events` must outlive the path.
  virtual void start(path_events& events) = 0;
  virtual void send(bytes frame, lane which) = 0;
  // What was given to send() and not yet to the network; send no DATA above path_unsent_bytes_max.
  [[nodiscard]] virtual std::size_t unsent_bytes() const = 0;
  // For people: "mqtt://broker.london:1883".
  [[nodiscard]] virtual std::string description() const = 0;
};

// Dials one server of a link. The path makes one attempt; trying again is the caller's business.
class dialer {
 public:
  virtual ~dialer() = default;
  virtual std::unique_ptr<path> dial(const link_settings& link, const server_address& server) = 0;
};

// Called on the main thread with the path of a peer that reached us and calls itself `peer`: not
// started, and for a name that may be unknown to us. Destroying the path refuses it silently.
class acceptor_events {
 public:
  virtual ~acceptor_events() = default;
  virtual void on_inbound(const std::string& peer, std::unique_ptr<path> inbound) = 0;
  // `peer`, a link of ours, cannot reach us: somebody of that name was turned away (errc::refused),
  // or we do not listen (errc::unavailable).
  virtual void on_unreachable(const std::string& /*peer*/, const error& /*why*/) {}
};

}  // namespace linkd

#pragma once

#include <boost/asio/io_context.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "mqtt_linkd/ports/transport.hpp"
#include "transport/lane_queue.hpp"
#include "transport/path_stream.hpp"

namespace linkd::transport {

class mqtt_inbound_path;

// What an accepted path needs of the acceptor that carries it.
class inbound_carrier {
 public:
  virtual ~inbound_carrier() = default;
  // The path has frames for take_payload().
  virtual void on_frames_waiting() = 0;
  // The owner of the path closes it: forget it.
  virtual void on_inbound_closed(mqtt_inbound_path& inbound) = 0;
};

// A peer's path that came in through our broker. Made, fed and emptied by the acceptor, whose one
// MQTT client carries all of them; owned by whoever got it from on_inbound().
class mqtt_inbound_path : public path {
 public:
  mqtt_inbound_path(boost::asio::io_context& io, inbound_carrier& carrier, path_stream stream,
                    std::size_t frame_bytes_max, std::string description);
  ~mqtt_inbound_path() override;

  void start(path_events& events) override;
  void send(bytes frame, lane which) override;
  [[nodiscard]] std::size_t unsent_bytes() const override;
  [[nodiscard]] std::string description() const override { return description_; }

  // The rest is the acceptor's. What calls an event may destroy the path: do nothing after.

  [[nodiscard]] path_stream& stream() { return stream_; }
  [[nodiscard]] bool is_started() const { return events_ != nullptr; }
  // A frame of the peer. False: it was not started in time, and there is no room to keep more.
  bool receive(bytes_view frame);
  // The next payload to publish, if any, and the size of its frame.
  struct payload {
    bytes sealed;
    std::size_t frame_bytes = 0;
  };
  std::optional<payload> take_payload();
  // PUBACK of a payload.
  void on_acknowledged(std::size_t frame_bytes);
  // The carrier has forgotten this path.
  void fail(const error& reason);
  // The carrier is gone; no event tells it.
  void detach() { carrier_ = nullptr; }

 private:
  void flow();
  void fail_later(error reason);

  boost::asio::io_context& io_;
  inbound_carrier* carrier_;  // none once the path has failed
  path_stream stream_;
  std::size_t frame_bytes_max_;
  std::string description_;
  path_events* events_ = nullptr;
  bool flowing_ = false;       // events are told as they come, no longer through the two below
  std::deque<bytes> arrived_;  // before flow()
  std::optional<error> failed_;
  lane_queue waiting_;
  std::size_t unacknowledged_bytes_ = 0;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // what was posted looks at it
};

}  // namespace linkd::transport

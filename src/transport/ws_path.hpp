#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "transport/ws_connection.hpp"

namespace linkd::transport {

// The path of a peer that dialled us: an accepted connection and its first frame. One thread.
class ws_path : public path, private ws_connection_events {
 public:
  // `closed` is called once, from the destructor: the acceptor forgets the path.
  ws_path(boost::asio::io_context& io, std::unique_ptr<ws_connection> connection, bytes first_frame,
          std::string description, std::function<void()> closed);
  ~ws_path() override;

  void start(path_events& events) override;
  void send(bytes frame, lane which) override;
  [[nodiscard]] std::size_t unsent_bytes() const override;
  [[nodiscard]] std::string description() const override { return description_; }

  // Takes it down: on_path_down() follows at once if it was started and was not down already. Not
  // from inside its events.
  void end(const error& reason);

 private:
  void on_message(bytes frame) override { events_->on_frame(std::move(frame)); }
  void on_written() override { events_->on_path_room(); }
  void on_closed(const error& reason) override { end(reason); }
  void become_up();

  boost::asio::io_context& io_;
  std::unique_ptr<ws_connection> connection_;  // none: ended
  bytes first_frame_;
  std::string description_;
  std::function<void()> closed_;
  path_events* events_ = nullptr;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // what was posted looks at it
};

}  // namespace linkd::transport

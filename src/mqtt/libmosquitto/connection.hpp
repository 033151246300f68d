#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>

#include "mqtt/event.hpp"
#include "mqtt/libmosquitto/client.hpp"
#include "mqtt/libmosquitto/dial.hpp"

namespace linkd::mqtt {

// What stands behind a client. Shared with its own pending handlers, so that an event handler may
// destroy the client; abandon() ends both. The library's callbacks only fill inbox_; events go out
// after the library has returned, so nobody runs inside its frames and nothing is thrown through
// them.
class libmosquitto_client::connection
    : public std::enable_shared_from_this<libmosquitto_client::connection> {
 public:
  connection(boost::asio::io_context& io, client_settings settings);

  void start(client_events& events);
  void abandon();
  void disconnect();
  void hold();
  void release();
  // The library object while packets may be queued, otherwise nullptr.
  [[nodiscard]] mosquitto* writable() const {
    return state_ == state::up ? object_.get() : nullptr;
  }
  [[nodiscard]] bool mqtt5() const { return settings_.mqtt5; }
  [[nodiscard]] std::uint8_t qos_max() const { return granted_.qos_max; }
  void schedule_flush();

 private:
  enum class state { idle, dialling, handshake, up, closed };

  // Lets the dialling thread reach an io_context that may be gone when it is done.
  struct mailbox {
    std::mutex guard;
    boost::asio::io_context* io = nullptr;
  };

  void dial_on_thread();
  void on_dialled(result<library_object> dialled);
  void set_callbacks();
  void arm_deadline(seconds after);
  void on_deadline();
  void tick();

  void arm_read();
  void read_batch();
  [[nodiscard]] bool more_to_read();
  void arm_write();
  void flush();
  void turn_done(int library_code, int system_code);
  void deliver();
  void dispatch(event& what);

  [[nodiscard]] end_of_connection end_by(int library_code, int system_code) const;
  void finish(const end_of_connection& end);
  void close();
  template <class Function>
  void in_callback(Function&& fill) noexcept;

  boost::asio::io_context& io_;
  client_settings settings_;
  client_events* events_ = nullptr;
  state state_ = state::idle;
  std::shared_ptr<mailbox> mailbox_ = std::make_shared<mailbox>();
  library_object object_;
  // A duplicate of the library's socket, which the library closes as it likes.
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer timer_;
  connack granted_;

  std::vector<event> inbox_;
  std::size_t batch_messages_ = 0;
  std::size_t batch_bytes_ = 0;
  std::size_t undelivered_ = 0;  // messages of the batch that deliver() has not told yet
  bool held_ = false;
  bool read_armed_ = false;
  bool write_armed_ = false;
  bool flush_posted_ = false;
  bool out_of_memory_ = false;
  std::optional<std::uint8_t> refused_;  // reason code of a CONNACK
  std::optional<int> disconnected_;      // what the library's on_disconnect said
  std::string tls_error_;                // the library's last error line before CONNACK
};

}  // namespace linkd::mqtt

#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>

#include "mqtt/native/client.hpp"
#include "mqtt/native/dialling.hpp"
#include "mqtt/native/input_buffer.hpp"
#include "mqtt/native/protocol.hpp"
#include "mqtt/native/stream.hpp"

namespace linkd::mqtt {

// What stands behind a client: the protocol, the stream and the timers. Shared with its own pending
// handlers, so that an event handler may destroy the client; abandon() ends both.
class native_client::connection : public std::enable_shared_from_this<connection> {
 public:
  connection(boost::asio::io_context& io, client_settings settings);

  void start(client_events& events);
  void abandon();
  void disconnect();
  void hold() { held_ = true; }
  void release();
  native::protocol& protocol() { return protocol_; }
  void schedule_flush();

 private:
  // `open`: from the CONNECT on.
  enum class state { idle, dialling, securing, open, closed };

  result<void> prepare();
  void on_dialled(result<native::stream::socket_type> dialled);
  void secure();
  void arm_deadline(time_point::duration after);
  void arm_keepalive();
  void on_deadline();

  void read_on();
  void read_when(native::stream::socket_type::wait_type ready);
  void read_turn();
  void read_batch();
  void flush();
  bool write_output();
  void on_broken(const native::io_outcome& how);
  bool turn_done();
  void deliver();
  void dispatch(event& what);

  [[nodiscard]] end_of_connection end_by(const native::io_outcome& how) const;
  void finish(end_of_connection end);
  void close();

  boost::asio::io_context& io_;
  client_settings settings_;
  client_events* events_ = nullptr;
  state state_ = state::idle;
  native::protocol protocol_;
  net::tls_context tls_;  // for mqtts, until the stream has it
  std::optional<native::dialling> dialling_;
  std::unique_ptr<native::stream> stream_;
  boost::asio::steady_timer timer_;

  native::input_buffer input_;
  bool unparsed_ = false;                     // input_ may hold a whole packet
  std::optional<native::io_outcome> broken_;  // a write failed: what can be read is still read
  std::size_t undelivered_ = 0;  // messages of the batch that deliver() has not told yet
  bool held_ = false;
  bool read_armed_ = false;
  bool write_armed_ = false;
  bool flush_posted_ = false;
};

}  // namespace linkd::mqtt

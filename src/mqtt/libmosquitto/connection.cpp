#include "mqtt/libmosquitto/connection.hpp"

#include <fcntl.h>
#include <mqtt_protocol.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

#include "mqtt/libmosquitto/properties.hpp"
#include "mqtt_linkd/limits.hpp"
#include "net/tls_context.hpp"

namespace linkd::mqtt {

namespace asio = boost::asio;

namespace {

constexpr seconds tick_interval{1};  // keepalives have a resolution of seconds

void set_tcp_option(int socket, int option, int value) {
  ::setsockopt(socket, IPPROTO_TCP, option, &value, sizeof value);  // fails on a Unix socket: fine
}

connack granted_by(int flags, const mosquitto_property* list) {
  connack granted;
  granted.session_present = (flags & 1) != 0;
  std::uint8_t octet = 0;
  mosquitto_property_read_int16(list, MQTT_PROP_RECEIVE_MAXIMUM, &granted.receive_maximum, false);
  mosquitto_property_read_int32(list, MQTT_PROP_MAXIMUM_PACKET_SIZE, &granted.packet_bytes_max,
                                false);
  mosquitto_property_read_byte(list, MQTT_PROP_MAXIMUM_QOS, &granted.qos_max, false);
  if (mosquitto_property_read_byte(list, MQTT_PROP_RETAIN_AVAILABLE, &octet, false)) {
    granted.retain_available = octet != 0;
  }
  if (mosquitto_property_read_byte(list, MQTT_PROP_SUBSCRIPTION_ID_AVAILABLE, &octet, false)) {
    granted.subscription_ids_available = octet != 0;
  }
  if (mosquitto_property_read_byte(list, MQTT_PROP_WILDCARD_SUB_AVAILABLE, &octet, false)) {
    granted.wildcards_available = octet != 0;
  }
  std::uint32_t expiry_s = 0;
  if (mosquitto_property_read_int32(list, MQTT_PROP_SESSION_EXPIRY_INTERVAL, &expiry_s, false)) {
    granted.session_expiry = seconds(expiry_s);
  }
  std::uint16_t keepalive_s = 0;
  if (mosquitto_property_read_int16(list, MQTT_PROP_SERVER_KEEP_ALIVE, &keepalive_s, false)) {
    granted.keepalive = seconds(keepalive_s);
  }
  return granted;
}

received_message received(const mosquitto_message& raw, const mosquitto_property* list) {
  received_message in;
  in.what.topic = raw.topic;
  if (raw.payloadlen > 0) {
    in.what.payload.assign(static_cast<const char*>(raw.payload),
                           static_cast<std::size_t>(raw.payloadlen));
  }
  in.what.qos = static_cast<std::uint8_t>(raw.qos);
  in.what.retain = raw.retain;
  in.what.properties = from_list(list);
  in.subscription_ids = subscription_ids(list);
  return in;
}

}  // namespace

libmosquitto_client::connection::connection(asio::io_context& io, client_settings settings)
    : io_(io), settings_(std::move(settings)), socket_(io), timer_(io) {}

void libmosquitto_client::connection::start(client_events& events) {
  events_ = &events;
  state_ = state::dialling;
  arm_deadline(connect_timeout);
  dial_on_thread();
}

void libmosquitto_client::connection::dial_on_thread() {
  mailbox_->io = &io_;
  auto work = [box = mailbox_, settings = settings_, weak = weak_from_this()] {
    auto dialled = dial(settings);
    std::lock_guard lock(box->guard);
    if (!box->io) return;  // given up meanwhile
    asio::post(*box->io, [weak, dialled = std::move(dialled)]() mutable {
      if (auto self = weak.lock()) self->on_dialled(std::move(dialled));
    });
  };
  try {
    std::thread(std::move(work)).detach();
  } catch (const std::system_error& failure) {
    asio::post(io_, [self = shared_from_this(), text = std::string(failure.what())] {
      self->on_dialled(error{errc::unavailable, "no thread to connect on: " + text});
    });
  }
}

void libmosquitto_client::connection::on_dialled(result<library_object> dialled) {
  if (state_ != state::dialling) return;
  if (!dialled) return finish({end_kind::unreachable, 0, dialled.error()});
  object_ = std::move(*dialled);
  const int copy = ::fcntl(mosquitto_socket(object_.get()), F_DUPFD_CLOEXEC, 0);
  boost::system::error_code failed;
  if (copy >= 0) socket_.assign(copy, failed);
  if (copy < 0 || failed) {
    if (copy >= 0) ::close(copy);
    return finish({end_kind::unreachable, 0, {errc::unavailable, "too many open files"}});
  }
  set_callbacks();
  state_ = state::handshake;
  arm_deadline(connack_timeout);
  arm_read();
  flush();
}

template <class Function>
void libmosquitto_client::connection::in_callback(Function&& fill) noexcept {
  try {
    fill();
  } catch (...) {
    out_of_memory_ = true;  // the only thing that can throw there
  }
}

void libmosquitto_client::connection::set_callbacks() {
  mosquitto* object = object_.get();
  mosquitto_user_data_set(object, this);
  mosquitto_connect_v5_callback_set(
      object, [](mosquitto*, void* self, int code, int flags, const mosquitto_property* list) {
        auto& to = *static_cast<connection*>(self);
        to.in_callback([&] {
          if (code != 0) {
            to.refused_ = static_cast<std::uint8_t>(code);
          } else {
            to.inbox_.emplace_back(granted_by(flags, list));
          }
        });
      });
  mosquitto_disconnect_v5_callback_set(
      object, [](mosquitto*, void* self, int code, const mosquitto_property*) {
        static_cast<connection*>(self)->disconnected_ = code;
      });
  mosquitto_message_v5_callback_set(object, [](mosquitto*, void* self, const mosquitto_message* raw,
                                               const mosquitto_property* list) {
    auto& to = *static_cast<connection*>(self);
    to.in_callback([&] {
      to.inbox_.emplace_back(received(*raw, list));
      ++to.batch_messages_;
      to.batch_bytes_ += static_cast<std::size_t>(raw->payloadlen);
    });
  });
  mosquitto_publish_v5_callback_set(object, [](mosquitto*, void* self, int id, int code,
                                               const mosquitto_property*) {
    auto& to = *static_cast<connection*>(self);
    to.in_callback([&] { to.inbox_.emplace_back(published{id, static_cast<std::uint8_t>(code)}); });
  });
  mosquitto_subscribe_v5_callback_set(object, [](mosquitto*, void* self, int id, int count,
                                                 const int* codes, const mosquitto_property*) {
    auto& to = *static_cast<connection*>(self);
    to.in_callback([&] { to.inbox_.emplace_back(subscribed{id, {codes, codes + count}}); });
  });
  mosquitto_unsubscribe_v5_callback_set(
      object, [](mosquitto*, void* self, int id, const mosquitto_property*) {
        auto& to = *static_cast<connection*>(self);
        to.in_callback([&] { to.inbox_.emplace_back(unsubscribed{id}); });
      });
  // Only until CONNACK: the library formats a line for every packet it handles.
  mosquitto_log_callback_set(object, [](mosquitto*, void* self, int level, const char* text) {
    auto& to = *static_cast<connection*>(self);
    if (level == MOSQ_LOG_ERR) to.in_callback([&] { to.tls_error_ = text; });
  });
}

void libmosquitto_client::connection::arm_deadline(seconds after) {
  timer_.expires_after(after);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
    if (!cancelled) self->on_deadline();
  });
}

void libmosquitto_client::connection::on_deadline() {
  const std::string server = to_string(settings_.server);
  switch (state_) {
    case state::dialling:
      return finish({end_kind::unreachable, 0, {errc::io, server + ": no connection in time"}});
    case state::handshake:
      if (SSL* tls = tls_of(object_.get()); tls && SSL_in_init(tls)) {
        return finish(
            {end_kind::unreachable, 0, {errc::io, server + ": no TLS handshake in time"}});
      }
      return finish({end_kind::no_connack, 0, {errc::io, server + ": no CONNACK in time"}});
    case state::up:
      return tick();
    default:
      return;
  }
}

void libmosquitto_client::connection::tick() {
  arm_deadline(tick_interval);
  if (held_) return;
  errno = 0;
  const int code = mosquitto_loop_misc(object_.get());  // keepalive
  turn_done(code, errno);
  schedule_flush();
}

void libmosquitto_client::connection::arm_read() {
  if (read_armed_ || held_ || !object_) return;
  read_armed_ = true;
  auto readable = [self = shared_from_this()](boost::system::error_code failed) {
    self->read_armed_ = false;
    if (!failed && !self->held_ && self->state_ != state::closed) self->read_batch();
  };
  SSL* tls = tls_of(object_.get());
  if (tls && SSL_pending(tls) > 0) {
    asio::post(io_, [readable] { readable({}); });  // nothing on the socket will tell
  } else {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read, readable);
  }
}

bool libmosquitto_client::connection::more_to_read() {
  if (mosquitto_socket(object_.get()) < 0) return false;
  if (SSL* tls = tls_of(object_.get()); tls && SSL_pending(tls) > 0) return true;
  asio::posix::stream_descriptor::bytes_readable waiting;
  boost::system::error_code failed;
  socket_.io_control(waiting, failed);
  return !failed && waiting.get() > 0;
}

void libmosquitto_client::connection::read_batch() {
  batch_messages_ = batch_bytes_ = 0;
  int code = MOSQ_ERR_SUCCESS;
  int system_code = 0;
  do {
    errno = 0;  // the library takes an old EAGAIN for a new one
    code = mosquitto_loop_read(object_.get(), 1);
    system_code = errno;
  } while (code == MOSQ_ERR_SUCCESS && inbox_.size() < limits::capture_batch_acknowledged_max &&
           batch_bytes_ < limits::capture_batch_bytes_max && more_to_read());
  // Our delayed ACK would wait for data and the broker's Nagle for our ACK: 10 ms and more.
  set_tcp_option(socket_.native_handle(), TCP_QUICKACK, 1);
  turn_done(code, system_code);
  if (state_ == state::closed) return;
  arm_read();
  schedule_flush();
}

void libmosquitto_client::connection::arm_write() {
  if (write_armed_) return;
  write_armed_ = true;
  socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                     [self = shared_from_this()](boost::system::error_code failed) {
                       self->write_armed_ = false;
                       if (!failed) self->flush();
                     });
}

void libmosquitto_client::connection::schedule_flush() {
  if (flush_posted_ || !object_) return;
  flush_posted_ = true;
  asio::post(io_, [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->flush();
  });
}

void libmosquitto_client::connection::flush() {
  if (!object_ || held_ || !mosquitto_want_write(object_.get())) return;
  // The library writes packet by packet; they shall leave together.
  const int socket = socket_.native_handle();
  set_tcp_option(socket, TCP_CORK, 1);
  errno = 0;
  const int code = mosquitto_loop_write(object_.get(), 1);
  const int system_code = errno;
  set_tcp_option(socket, TCP_CORK, 0);
  turn_done(code, system_code);
  if (state_ != state::closed && !held_ && mosquitto_want_write(object_.get())) arm_write();
}

// After every call of the library that can bring news.
void libmosquitto_client::connection::turn_done(int library_code, int system_code) {
  deliver();
  if (state_ == state::closed) return;
  if (out_of_memory_) {
    finish({end_kind::failed, 0, {errc::unavailable, "out of memory"}});
  } else if (library_code != MOSQ_ERR_SUCCESS || mosquitto_socket(object_.get()) < 0) {
    finish(end_by(library_code, system_code));
  }
}

void libmosquitto_client::connection::deliver() {
  std::vector<event> batch;
  batch.swap(inbox_);
  undelivered_ = std::exchange(batch_messages_, 0);
  const bool any_batched = std::any_of(batch.begin(), batch.end(), is_batched);
  for (auto& what : batch) {
    if (!events_) break;  // the client was destroyed
    dispatch(what);
  }
  if (any_batched && events_) events_->on_batch_told();
  undelivered_ = 0;
  if (inbox_.empty()) {
    batch.clear();
    inbox_.swap(batch);  // keeps the memory
  }
}

void libmosquitto_client::connection::dispatch(event& what) {
  if (std::holds_alternative<received_message>(what)) --undelivered_;
  if (const auto* granted = std::get_if<connack>(&what)) {
    granted_ = *granted;
    state_ = state::up;
    mosquitto_log_callback_set(object_.get(), nullptr);
    arm_deadline(tick_interval);
  }
  tell(*events_, what);
}

void libmosquitto_client::connection::hold() {
  held_ = true;
}

void libmosquitto_client::connection::release() {
  held_ = false;
  schedule_flush();  // before more is read, which may be held again
  arm_read();
}

}  // namespace linkd::mqtt

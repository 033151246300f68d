#include "mqtt/native/connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "net/password_file.hpp"
#include "net/tls_context.hpp"

namespace linkd::mqtt {

namespace asio = boost::asio;
using native::io_outcome;

namespace {

constexpr auto readable = native::stream::socket_type::wait_read;
constexpr auto writable = native::stream::socket_type::wait_write;
constexpr seconds held_patience{1};  // until the keepalive is looked at again

time_point now() {
  using clock = asio::steady_timer::clock_type;
  return time_point(std::chrono::floor<microseconds>(clock::now().time_since_epoch()));
}

}  // namespace

native_client::connection::connection(asio::io_context& io, client_settings settings)
    : io_(io), settings_(std::move(settings)), protocol_(settings_), timer_(io) {}

// --- from start() to CONNACK ---------------------------------------------------------------------

void native_client::connection::start(client_events& events) {
  events_ = &events;
  state_ = state::dialling;
  if (const auto prepared = prepare(); !prepared) {
    asio::post(io_, [self = shared_from_this(), why = prepared.error()] {
      self->finish({end_kind::unreachable, 0, why});
    });
    return;
  }
  arm_deadline(connect_timeout);
  dialling_.emplace(io_, settings_.server,
                    [this](auto dialled) { on_dialled(std::move(dialled)); });
}

result<void> native_client::connection::prepare() {
  const auto password = net::password_of(settings_.login);
  if (!password) return password.error();
  if (settings_.server.scheme == scheme::mqtts) {
    auto context = net::make_client_context(settings_.tls, settings_.server.host);
    if (!context) return context.error();
    tls_ = std::move(*context);
  }
  return protocol_.connect(*password);
}

void native_client::connection::on_dialled(result<native::stream::socket_type> dialled) {
  const auto self = shared_from_this();
  if (!dialled) {
    const error& why = dialled.error();
    return finish({end_kind::unreachable, 0, why});
  }
  dialling_.reset();
  stream_ = tls_ ? native::make_tls_stream(std::move(*dialled), tls_)
                 : native::make_plain_stream(std::move(*dialled));
  tls_.reset();
  if (!stream_) return finish({end_kind::unreachable, 0, {errc::unavailable, "no memory for TLS"}});
  state_ = state::securing;
  arm_deadline(connack_timeout);
  secure();
}

void native_client::connection::secure() {
  const io_outcome how = stream_->handshake();
  if (how.what == io_outcome::kind::done) {
    state_ = state::open;
    read_on();
    return flush();
  }
  const bool read = how.what == io_outcome::kind::wait_readable;
  if (!read && how.what != io_outcome::kind::wait_writable) return finish(end_by(how));
  stream_->socket().async_wait(read ? readable : writable,
                               [self = shared_from_this()](boost::system::error_code failed) {
                                 if (!failed && self->state_ == state::securing) self->secure();
                               });
}

void native_client::connection::arm_deadline(time_point::duration after) {
  timer_.expires_after(after);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
    if (!cancelled) self->on_deadline();
  });
}

void native_client::connection::arm_keepalive() {
  if (held_) return arm_deadline(held_patience);
  if (const auto due = protocol_.deadline()) arm_deadline(*due - now());
}

void native_client::connection::on_deadline() {
  switch (state_) {
    case state::dialling:
      return finish({end_kind::unreachable, 0, {errc::io, "no connection in time"}});
    case state::securing:
      return finish({end_kind::unreachable, 0, {errc::io, "no TLS handshake in time"}});
    case state::open:
      if (!protocol_.is_up()) {
        return finish({end_kind::no_connack, 0, {errc::io, "no CONNACK in time"}});
      }
      if (!held_) protocol_.on_deadline(now());
      if (!turn_done()) return;
      arm_keepalive();
      return schedule_flush();
    default:
      return;
  }
}

// --- what comes in -------------------------------------------------------------------------------

void native_client::connection::read_on() {
  if (read_armed_ || held_ || state_ != state::open) return;
  if (!unparsed_ && !stream_->pending() && !broken_) return read_when(readable);
  read_armed_ = true;
  asio::post(io_, [self = shared_from_this()] {
    self->read_armed_ = false;
    self->read_turn();
  });
}

void native_client::connection::read_when(native::stream::socket_type::wait_type ready) {
  if (read_armed_) return;
  read_armed_ = true;
  stream_->socket().async_wait(ready,
                               [self = shared_from_this()](boost::system::error_code failed) {
                                 self->read_armed_ = false;
                                 if (!failed) self->read_turn();
                               });
}

// One read, of as much as there is, and one batch.
void native_client::connection::read_turn() {
  if (held_ || state_ != state::open) return;
  if (unparsed_) return read_batch();
  char* const to = input_.tail();
  const io_outcome how = stream_->read(to, input_.room());
  if (how.what == io_outcome::kind::done) {
    input_.filled(how.size);
    // Our delayed ACK would wait for data and the broker's Nagle for our ACK: 10 ms and more.
    const int on = 1;  // fails on a Unix socket: fine
    ::setsockopt(stream_->socket().native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    return read_batch();
  }
  if (broken_) return finish(end_by(*broken_));
  if (how.what == io_outcome::kind::wait_readable) return read_when(readable);
  if (how.what == io_outcome::kind::wait_writable) return read_when(writable);
  finish(end_by(how));
}

void native_client::connection::read_batch() {
  bytes_view in = input_.view();
  unparsed_ = protocol_.receive(in, now());
  input_.keep(in.size());
  if (!turn_done()) return;
  read_on();
  flush();
}

// --- what goes out -------------------------------------------------------------------------------

void native_client::connection::schedule_flush() {
  if (flush_posted_ || state_ != state::open) return;
  flush_posted_ = true;
  asio::post(io_, [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->flush();
  });
}

void native_client::connection::flush() {
  if (state_ != state::open || held_ || write_armed_ || broken_) return;
  if (write_output()) turn_done();
}

// False: the connection broke.
bool native_client::connection::write_output() {
  while (!protocol_.output().empty()) {
    const io_outcome how = stream_->write(protocol_.output());
    switch (how.what) {
      case io_outcome::kind::done:
        protocol_.written(how.size, now());
        break;
      case io_outcome::kind::wait_readable:  // the next read brings us back
        return true;
      case io_outcome::kind::wait_writable:
        write_armed_ = true;
        stream_->socket().async_wait(writable,
                                     [self = shared_from_this()](boost::system::error_code failed) {
                                       self->write_armed_ = false;
                                       if (!failed) self->flush();
                                     });
        return true;
      default:
        on_broken(how);
        return false;
    }
  }
  return true;
}

// What the broker said before it closed, perhaps why, can still be read.
void native_client::connection::on_broken(const io_outcome& how) {
  broken_ = how;
  protocol_.unheard();
  read_turn();
}

// --- what is told --------------------------------------------------------------------------------

// False if the connection is over.
bool native_client::connection::turn_done() {
  deliver();
  if (state_ == state::closed) return false;
  if (!protocol_.end()) return true;
  finish(*protocol_.end());
  return false;
}

void native_client::connection::deliver() {
  auto& news = protocol_.events();
  if (news.empty()) return;
  std::vector<event> batch;
  batch.swap(news);
  undelivered_ =
      static_cast<std::size_t>(std::count_if(batch.begin(), batch.end(), [](const event& each) {
        return std::holds_alternative<received_message>(each);
      }));
  const bool any_batched = std::any_of(batch.begin(), batch.end(), is_batched);
  for (auto& each : batch) {
    if (!events_) break;  // the client was destroyed
    dispatch(each);
  }
  if (any_batched && events_) events_->on_batch_told();
  undelivered_ = 0;
  if (news.empty()) {
    batch.clear();
    news.swap(batch);  // keeps the memory
  }
}

void native_client::connection::dispatch(event& what) {
  if (std::holds_alternative<received_message>(what)) --undelivered_;
  if (std::holds_alternative<connack>(what)) arm_keepalive();
  tell(*events_, what);
}

void native_client::connection::release() {
  held_ = false;
  protocol_.heard_again(now());
  schedule_flush();  // before more is read, which may be held again
  read_on();
}

}  // namespace linkd::mqtt

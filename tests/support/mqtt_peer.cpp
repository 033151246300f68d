#include "tests/support/mqtt_peer.hpp"

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>

#include "tests/support/eventually.hpp"

namespace linkd::test {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

struct free_properties {
  void operator()(mosquitto_property* list) const { mosquitto_property_free_all(&list); }
};
using property_list = std::unique_ptr<mosquitto_property, free_properties>;

property_list to_library(const publish_properties& from) {
  mosquitto_property* list = nullptr;
  if (from.payload_format_indicator) {
    mosquitto_property_add_byte(&list, MQTT_PROP_PAYLOAD_FORMAT_INDICATOR,
                                *from.payload_format_indicator);
  }
  if (from.message_expiry_interval_s) {
    mosquitto_property_add_int32(&list, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL,
                                 *from.message_expiry_interval_s);
  }
  if (from.content_type) {
    mosquitto_property_add_string(&list, MQTT_PROP_CONTENT_TYPE, from.content_type->c_str());
  }
  if (from.response_topic) {
    mosquitto_property_add_string(&list, MQTT_PROP_RESPONSE_TOPIC, from.response_topic->c_str());
  }
  if (from.correlation_data) {
    mosquitto_property_add_binary(&list, MQTT_PROP_CORRELATION_DATA, from.correlation_data->data(),
                                  static_cast<std::uint16_t>(from.correlation_data->size()));
  }
  for (const auto& [name, value] : from.user_properties) {
    mosquitto_property_add_string_pair(&list, MQTT_PROP_USER_PROPERTY, name.c_str(), value.c_str());
  }
  return property_list(list);
}

std::string taken(char* text) {
  std::string copy = text == nullptr ? "" : text;
  std::free(text);
  return copy;
}

void read_property(const mosquitto_property* from, publish_properties& to) {
  char* text = nullptr;
  switch (mosquitto_property_identifier(from)) {
    case MQTT_PROP_PAYLOAD_FORMAT_INDICATOR:
      mosquitto_property_read_byte(from, MQTT_PROP_PAYLOAD_FORMAT_INDICATOR,
                                   &to.payload_format_indicator.emplace(), false);
      break;
    case MQTT_PROP_MESSAGE_EXPIRY_INTERVAL:
      mosquitto_property_read_int32(from, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL,
                                    &to.message_expiry_interval_s.emplace(), false);
      break;
    case MQTT_PROP_CONTENT_TYPE:
      mosquitto_property_read_string(from, MQTT_PROP_CONTENT_TYPE, &text, false);
      to.content_type = taken(text);
      break;
    case MQTT_PROP_RESPONSE_TOPIC:
      mosquitto_property_read_string(from, MQTT_PROP_RESPONSE_TOPIC, &text, false);
      to.response_topic = taken(text);
      break;
    case MQTT_PROP_CORRELATION_DATA: {
      void* data = nullptr;
      std::uint16_t size = 0;
      mosquitto_property_read_binary(from, MQTT_PROP_CORRELATION_DATA, &data, &size, false);
      to.correlation_data = bytes(static_cast<const char*>(data), size);
      std::free(data);
      break;
    }
    case MQTT_PROP_USER_PROPERTY: {
      char* name = nullptr;
      mosquitto_property_read_string_pair(from, MQTT_PROP_USER_PROPERTY, &name, &text, false);
      std::string first = taken(name);
      to.user_properties.emplace_back(std::move(first), taken(text));
      break;
    }
    default:
      break;
  }
}

message from_library(const mosquitto_message& from, const mosquitto_property* properties) {
  message to;
  to.topic = from.topic;
  to.payload =
      bytes(static_cast<const char*>(from.payload), static_cast<std::size_t>(from.payloadlen));
  to.qos = static_cast<std::uint8_t>(from.qos);
  to.retain = from.retain;
  for (; properties != nullptr; properties = mosquitto_property_next(properties)) {
    read_property(properties, to.properties);
  }
  return to;
}

}  // namespace

class mqtt_peer::client {
 public:
  explicit client(mqtt_peer_settings settings)
      : settings_(std::move(settings)), wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  ~client() {
    thread_.request_stop();
    wake();
    thread_.join();
    ::close(wake_);
  }
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  void publish(message what) {
    {
      const std::scoped_lock lock(mutex_);
      pending_.push_back(std::move(what));
    }
    wake();
  }

  [[nodiscard]] bool ready() const { return ready_; }
  [[nodiscard]] std::size_t accepted() const { return accepted_; }

  std::size_t arrived() const {
    const std::scoped_lock lock(mutex_);
    return arrivals_.size();
  }
  std::vector<message> arrivals() const {
    const std::scoped_lock lock(mutex_);
    return arrivals_;
  }
  void forget_arrivals() {
    const std::scoped_lock lock(mutex_);
    arrivals_.clear();
  }

 private:
  struct outgoing {
    message what;
    bool done = false;
  };

  void wake() const { ::eventfd_write(wake_, 1); }
  void run(const std::stop_token& stop);
  void open();
  void close();
  void set_callbacks();
  void on_connected(int reason);
  void on_acknowledged(int packet_id, int reason);
  void send_pending();
  bool send(outgoing& next);
  void poll_once();

  const mqtt_peer_settings settings_;
  const int wake_;

  // Used by the thread alone.
  mosquitto* library_ = nullptr;  // one object a connection: it must resend nothing on its own
  bool connected_ = false;
  bool lost_ = false;
  std::size_t grants_open_ = 0;
  std::deque<outgoing> outgoing_;           // sent or not, from the first that is not done
  std::size_t next_ = 0;                    // index of the first not sent on this connection
  std::uint64_t first_number_ = 0;          // number of outgoing_.front()
  std::map<int, std::uint64_t> in_flight_;  // packet id to number
  steady::time_point next_send_{};

  std::atomic<bool> ready_ = false;
  std::atomic<std::size_t> accepted_ = 0;
  mutable std::mutex mutex_;
  std::deque<message> pending_;
  std::vector<message> arrivals_;
  std::jthread thread_;
};

void mqtt_peer::client::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    open();
    while (!lost_ && !stop.stop_requested()) {
      send_pending();
      poll_once();
    }
    close();
    if (!stop.stop_requested()) std::this_thread::sleep_for(20ms);  // between two attempts
  }
}

void mqtt_peer::client::open() {
  library_ = mosquitto_new(settings_.client_id.c_str(), false, this);
  set_callbacks();
  if (!settings_.username.empty()) {
    mosquitto_username_pw_set(library_, settings_.username.c_str(), settings_.password.c_str());
  }
  mosquitto_int_option(library_, MOSQ_OPT_PROTOCOL_VERSION,
                       settings_.mqtt5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
  mosquitto_int_option(library_, MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_int_option(library_, MOSQ_OPT_RECEIVE_MAXIMUM, 65535);
  mosquitto_int_option(library_, MOSQ_OPT_SEND_MAXIMUM, 65535);
  mosquitto_property* session = nullptr;
  if (settings_.mqtt5) {
    mosquitto_property_add_int32(&session, MQTT_PROP_SESSION_EXPIRY_INTERVAL, 3600);
  }
  const property_list owner(session);
  lost_ = mosquitto_connect_bind_v5(library_, "127.0.0.1", settings_.port, 30, nullptr, session) !=
          MOSQ_ERR_SUCCESS;
}

void mqtt_peer::client::close() {
  mosquitto_disconnect(library_);
  while (!lost_ && mosquitto_want_write(library_) &&
         mosquitto_loop_write(library_, 1) == MOSQ_ERR_SUCCESS) {
  }
  mosquitto_destroy(library_);
  library_ = nullptr;
  connected_ = false;
  in_flight_.clear();
  next_ = 0;
}

void mqtt_peer::client::set_callbacks() {
  mosquitto_connect_v5_callback_set(
      library_, [](mosquitto*, void* self, int reason, int, const mosquitto_property*) {
        static_cast<client*>(self)->on_connected(reason);
      });
  mosquitto_disconnect_v5_callback_set(library_,
                                       [](mosquitto*, void* self, int, const mosquitto_property*) {
                                         static_cast<client*>(self)->lost_ = true;
                                       });
  mosquitto_publish_v5_callback_set(
      library_, [](mosquitto*, void* self, int id, int reason, const mosquitto_property*) {
        static_cast<client*>(self)->on_acknowledged(id, reason);
      });
  mosquitto_subscribe_v5_callback_set(
      library_, [](mosquitto*, void* self, int, int, const int*, const mosquitto_property*) {
        auto& here = *static_cast<client*>(self);
        if (here.grants_open_ > 0 && --here.grants_open_ == 0) here.ready_ = true;
      });
  mosquitto_message_v5_callback_set(library_,
                                    [](mosquitto*, void* self, const mosquitto_message* what,
                                       const mosquitto_property* properties) {
                                      auto& here = *static_cast<client*>(self);
                                      const std::scoped_lock lock(here.mutex_);
                                      here.arrivals_.push_back(from_library(*what, properties));
                                    });
}

void mqtt_peer::client::on_connected(int reason) {
  if (reason != 0) {
    lost_ = true;
    return;
  }
  connected_ = true;
  grants_open_ = settings_.filters.size();
  if (grants_open_ == 0) ready_ = true;
  for (const std::string& filter : settings_.filters) {
    // A retained message is told once, at the first subscription.
    constexpr int retain_options = MQTT_SUB_OPT_RETAIN_AS_PUBLISHED | MQTT_SUB_OPT_SEND_RETAIN_NEW;
    mosquitto_subscribe_v5(library_, nullptr, filter.c_str(), 1,
                           settings_.mqtt5 ? retain_options : 0, nullptr);
  }
}

void mqtt_peer::client::on_acknowledged(int packet_id, int reason) {
  const auto found = in_flight_.find(packet_id);
  if (found == in_flight_.end()) return;
  outgoing_[found->second - first_number_].done = true;
  in_flight_.erase(found);
  if (reason < 0x80) ++accepted_;
  while (!outgoing_.empty() && outgoing_.front().done) {
    outgoing_.pop_front();
    ++first_number_;
    --next_;
  }
}

void mqtt_peer::client::send_pending() {
  {
    const std::scoped_lock lock(mutex_);
    for (message& what : pending_) outgoing_.push_back({std::move(what)});
    pending_.clear();
  }
  while (connected_ && next_ < outgoing_.size() && in_flight_.size() < settings_.window) {
    if (outgoing_[next_].done) {  // before the connection was lost
      ++next_;
      continue;
    }
    if (settings_.messages_per_s_max > 0) {
      if (steady::now() < next_send_) return;
      const auto gap = std::chrono::duration<double>(1 / settings_.messages_per_s_max);
      // A pause is not made up for by a burst of more than 10 ms.
      next_send_ = std::max(next_send_, steady::now() - 10ms) +
                   std::chrono::duration_cast<steady::duration>(gap);
    }
    if (!send(outgoing_[next_])) return;
  }
}

bool mqtt_peer::client::send(outgoing& next) {
  const message& what = next.what;
  const property_list properties = to_library(what.properties);
  int packet_id = 0;
  const int outcome = mosquitto_publish_v5(
      library_, &packet_id, what.topic.c_str(), static_cast<int>(what.payload.size()),
      what.payload.data(), what.qos, what.retain, properties.get());
  if (outcome != MOSQ_ERR_SUCCESS) {
    lost_ = true;
    return false;
  }
  in_flight_[packet_id] = first_number_ + next_;
  ++next_;
  if (what.qos == 0) on_acknowledged(packet_id, 0);
  return true;
}

void mqtt_peer::client::poll_once() {
  const int socket = mosquitto_socket(library_);
  if (socket < 0) {
    lost_ = true;
    return;
  }
  const short writing = mosquitto_want_write(library_) ? POLLOUT : 0;
  pollfd waited[] = {{socket, static_cast<short>(POLLIN | writing), 0}, {wake_, POLLIN, 0}};
  const bool paced = settings_.messages_per_s_max > 0 && next_ < outgoing_.size();
  ::poll(waited, 2, paced ? 1 : 200);
  eventfd_t ignored = 0;
  if (waited[1].revents != 0) ::eventfd_read(wake_, &ignored);
  int outcome = MOSQ_ERR_SUCCESS;
  if ((waited[0].revents & ~POLLOUT) != 0) outcome = mosquitto_loop_read(library_, 1);
  if (outcome == MOSQ_ERR_SUCCESS && (waited[0].revents & POLLOUT) != 0) {
    outcome = mosquitto_loop_write(library_, 1);
  }
  if (outcome == MOSQ_ERR_SUCCESS) outcome = mosquitto_loop_misc(library_);
  if (outcome != MOSQ_ERR_SUCCESS) lost_ = true;
}

mqtt_peer::mqtt_peer(mqtt_peer_settings settings) {
  const std::string name = settings.client_id;
  mosquitto_lib_init();
  client_ = std::make_unique<client>(std::move(settings));
  if (!eventually(15s, [this] { return client_->ready(); })) {
    throw std::runtime_error("client " + name + " could not connect and subscribe");
  }
}

mqtt_peer::~mqtt_peer() {
  client_.reset();
  mosquitto_lib_cleanup();
}

void mqtt_peer::publish(message what) {
  client_->publish(std::move(what));
}

std::size_t mqtt_peer::accepted() const {
  return client_->accepted();
}

bool mqtt_peer::await_accepted(std::size_t count, std::chrono::milliseconds patience) const {
  return eventually(patience, [&] { return accepted() >= count; });
}

std::size_t mqtt_peer::arrived() const {
  return client_->arrived();
}

bool mqtt_peer::await_arrivals(std::size_t count, std::chrono::milliseconds patience) const {
  return eventually(patience, [&] { return arrived() >= count; });
}

std::vector<message> mqtt_peer::arrivals() const {
  return client_->arrivals();
}

void mqtt_peer::forget_arrivals() {
  client_->forget_arrivals();
}

}  // namespace linkd::test

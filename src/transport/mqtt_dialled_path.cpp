#include "transport/mqtt_dialled_path.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <map>
#include <utility>

#include "mqtt/libmosquitto/client.hpp"
#include "mqtt_linkd/limits.hpp"
#include "transport/control_topic.hpp"
#include "transport/frame_key.hpp"

namespace linkd::transport {
namespace {

// From start() to on_path_up: several connections one after the other, each with the timeouts of
// mqtt/client.hpp, and a SUBACK.
constexpr seconds attempt_timeout{60};

constexpr std::size_t control_frames_inflight_max = 64;

}  // namespace

// One of the MQTT clients. Its events end in the path, which may destroy it: they do nothing after.
class mqtt_dialled_path::connection : public mqtt::client_events {
 public:
  connection(mqtt_dialled_path& owner, mqtt::client_settings settings, std::size_t frames_max)
      : frames_max_(frames_max), owner_(owner), client_(owner.context_.io, std::move(settings)) {
    client_.start(*this);
  }

  [[nodiscard]] bool is_up() const { return up_; }
  [[nodiscard]] bool has_room() const { return up_ && inflight_bytes_.size() < frames_max_; }
  [[nodiscard]] const mqtt::connack& granted() const { return granted_; }
  mqtt::client& client() { return client_; }
  void sent(mqtt::packet_id id, std::size_t frame_bytes) { inflight_bytes_[id] = frame_bytes; }
  // The size of the frame that a PUBACK answers.
  std::size_t acknowledged(mqtt::packet_id id) {
    const auto found = inflight_bytes_.extract(id);
    return found.empty() ? 0 : found.mapped();
  }

  void on_connected(const mqtt::connack& granted) override {
    granted_ = granted;
    frames_max_ = std::min<std::size_t>(frames_max_, granted.receive_maximum);
    up_ = true;
    owner_.on_connected(*this);
  }
  void on_message(mqtt::received_message received) override { owner_.on_message(received.what); }
  void on_published(mqtt::packet_id id, std::uint8_t reason_code) override {
    owner_.on_published(*this, id, reason_code);
  }
  void on_subscribed(mqtt::packet_id, const std::vector<std::uint8_t>& reason_codes) override {
    owner_.on_subscribed(reason_codes.empty() ? 0x80 : reason_codes.front());
  }
  void on_closed(const mqtt::end_of_connection& end) override {
    up_ = false;
    owner_.on_closed(end);
  }

 private:
  std::size_t frames_max_;
  bool up_ = false;
  mqtt::connack granted_;
  std::map<mqtt::packet_id, std::size_t> inflight_bytes_;
  mqtt_dialled_path& owner_;
  mqtt::libmosquitto_client client_;
};

mqtt_dialled_path::mqtt_dialled_path(dial_context context, link_settings link,
                                     server_address server, direction outgoing, path_id id)
    : context_(context),
      link_(std::move(link)),
      server_(std::move(server)),
      outgoing_way_(std::move(outgoing)),
      outgoing_topic_(
          control_topic(link_.control_prefix, outgoing_way_.receiver, outgoing_way_.sender)),
      incoming_topic_(
          control_topic(link_.control_prefix, outgoing_way_.sender, outgoing_way_.receiver)),
      where_{server_, link_.login.username, link_.name},
      id_(id),
      attempt_timer_(context_.io) {}

mqtt_dialled_path::~mqtt_dialled_path() {
  close();
}

void mqtt_dialled_path::start(path_events& events) {
  events_ = &events;
  std::optional<secret> key;
  if (!link_.frame_key_file.empty()) {
    auto read = read_frame_key(link_.frame_key_file);
    if (!read) return fail_later(read.error());
    key = std::move(*read);
  }
  stream_.emplace(id_, outgoing_way_, std::move(key));
  mqtt5_ = context_.protocol.mqtt5();
  attempt_timer_.expires_after(attempt_timeout);
  attempt_timer_.async_wait([this, alive = std::weak_ptr(alive_)](const auto& cancelled) {
    if (cancelled || alive.expired()) return;
    fail({errc::unavailable, to_string(server_) + " did not let us in within " +
                                 std::to_string(attempt_timeout.count()) + " s"});
  });
  connect(link_.client_id_prefix + ":ctl");
}

void mqtt_dialled_path::connect(std::string client_id) {
  mqtt::client_settings settings;
  settings.server = server_;
  settings.login = link_.login;
  settings.tls = link_.tls;
  settings.client_id = std::move(client_id);
  settings.mqtt5 = mqtt5_;
  settings.keepalive = link_.mqtt.keepalive;
  settings.packet_bytes_max = packet_bytes_max;
  const std::size_t frames_max =
      connections_.empty() ? control_frames_inflight_max : link_.mqtt.inflight_frames_max;
  connections_.push_back(std::make_unique<connection>(*this, std::move(settings), frames_max));
}

// First control alone, so that a broker that refuses us is asked once, then the rest.
void mqtt_dialled_path::on_connected(connection& which) {
  if (&which == connections_.front().get()) {
    mqtt::subscribe_options options;
    options.retain_handling = 2;
    const auto asked = which.client().subscribe({incoming_topic_}, options);
    if (!asked) fail(asked.error());
    return;
  }
  const std::size_t wanted = 1u + link_.mqtt.connections;
  if (connections_.size() == wanted &&
      std::all_of(connections_.begin(), connections_.end(),
                  [](const auto& each) { return each->is_up(); })) {
    become_up();
  }
}

void mqtt_dialled_path::on_subscribed(std::uint8_t reason_code) {
  if (const auto failure = subscribe_failure(reason_code, incoming_topic_, where_)) {
    return fail(*failure);
  }
  if (connections_.size() > 1) return;
  for (int number = 1; number <= link_.mqtt.connections; ++number) {
    connect(link_.client_id_prefix + ":" + std::to_string(number));
  }
}

void mqtt_dialled_path::become_up() {
  std::size_t smallest = limits::frame_bytes_max;
  for (const auto& each : connections_) {
    const auto allowed = frame_bytes_max(each->granted(), mqtt5_, outgoing_topic_);
    if (!allowed) return fail(allowed.error());
    smallest = std::min(smallest, *allowed);
  }
  up_ = true;
  attempt_timer_.cancel();
  events_->on_path_up(smallest);
}

void mqtt_dialled_path::send(bytes frame, lane which) {
  if (over_) return;
  waiting_.push(std::move(frame), which);
  if (waiting_.size_bytes() > waiting_bytes_max) {
    return fail_later({errc::unavailable, to_string(server_) + " does not take our frames"});
  }
  publish_waiting();
}

std::size_t mqtt_dialled_path::unsent_bytes() const {
  return waiting_.size_bytes() + unacknowledged_bytes_;
}

std::string mqtt_dialled_path::description() const {
  return to_string(server_);
}

void mqtt_dialled_path::publish_waiting() {
  if (!up_) return;
  connection& control = *connections_.front();
  while (!over_ && !waiting_.empty(lane::control) && control.has_room()) {
    publish(control, waiting_.pop(lane::control));
  }
  while (!over_ && !waiting_.empty(lane::data)) {
    connection* free = next_data_connection();
    if (free == nullptr) return;
    publish(*free, waiting_.pop(lane::data));
  }
}

mqtt_dialled_path::connection* mqtt_dialled_path::next_data_connection() {
  const std::size_t count = connections_.size() - 1;
  for (std::size_t i = 1; i <= count; ++i) {
    const std::size_t candidate = (last_data_connection_ + i) % count;
    if (!connections_[candidate + 1]->has_room()) continue;
    last_data_connection_ = candidate;
    return connections_[candidate + 1].get();
  }
  return nullptr;
}

void mqtt_dialled_path::publish(connection& on, bytes_view frame) {
  message what;
  what.topic = outgoing_topic_;
  what.payload = stream_->seal(frame);
  what.qos = 1;
  const auto id = on.client().publish(what);
  if (!id) return fail_later(id.error());
  on.sent(*id, frame.size());
  unacknowledged_bytes_ += frame.size();
}

void mqtt_dialled_path::on_published(connection& which, mqtt::packet_id id,
                                     std::uint8_t reason_code) {
  unacknowledged_bytes_ -= which.acknowledged(id);
  if (const auto failure = publish_failure(reason_code, outgoing_topic_, where_)) {
    return fail(*failure);
  }
  publish_waiting();
  events_->on_path_room();
}

void mqtt_dialled_path::on_message(const message& what) {
  // A retained message waited for us: a frame never does.
  if (what.retain || what.topic != incoming_topic_) {
    return context_.refusals.note(link_.name, "retained, or on the wrong topic");
  }
  const auto frame = stream_->open(what.payload);
  if (!frame) {
    // The peer cannot know yet that our last path is over.
    if (frame.error().code == errc::not_found) return;
    return context_.refusals.note(link_.name, frame.error().text);
  }
  if (frame->empty())
    return fail({errc::unavailable, link_.name + "'s daemon ended the connection"});
  if (frame->size() > limits::frame_bytes_max) {
    return context_.refusals.note(link_.name, "larger than 1 MiB");
  }
  if (up_) events_->on_frame(bytes(*frame));
}

void mqtt_dialled_path::on_closed(const mqtt::end_of_connection& end) {
  error reason = end.reason;
  if (context_.protocol.learn(end)) {
    reason.text += mqtt5_ ? "; MQTT 3.1.1 is tried next" : "; MQTT 5 is tried next";
  }
  fail(reason);
}

void mqtt_dialled_path::fail(const error& reason) {
  if (std::exchange(told_down_, true)) return;
  close();
  events_->on_path_down(reason);
}

void mqtt_dialled_path::fail_later(error reason) {
  over_ = true;
  boost::asio::post(context_.io, [this, alive = std::weak_ptr(alive_), reason = std::move(reason)] {
    if (!alive.expired()) fail(reason);
  });
}

void mqtt_dialled_path::close() {
  over_ = true;
  attempt_timer_.cancel();
  if (up_ && connections_.front()->has_room()) publish(*connections_.front(), {});
  up_ = false;
  for (const auto& each : connections_) each->client().disconnect();
  connections_.clear();
}

}  // namespace linkd::transport

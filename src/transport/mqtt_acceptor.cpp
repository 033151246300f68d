#include "transport/mqtt_acceptor.hpp"

#include <algorithm>
#include <utility>

#include "mqtt/libmosquitto/client.hpp"
#include "mqtt_linkd/limits.hpp"
#include "mqtt_linkd/mqtt_reason.hpp"
#include "transport/control_topic.hpp"
#include "transport/frame_key.hpp"
#include "transport/publishing.hpp"

namespace linkd::transport {
namespace {

constexpr std::size_t inbound_paths_max = limits::links_max + 16;
constexpr std::size_t frames_inflight_max = 128;
constexpr seconds suback_timeout{20};
// What we do for names that we have no link of, and for paths that we know nothing of.
constexpr seconds stranger_interval{1};
constexpr milliseconds end_interval{100};

using steady = std::chrono::steady_clock;

// Whether something that may happen once in `interval` may happen now.
bool is_due(steady::time_point& next, steady::duration interval) {
  const auto now = steady::now();
  if (now < next) return false;
  next = now + interval;
  return true;
}

}  // namespace

mqtt_acceptor::mqtt_acceptor(boost::asio::io_context& io, const daemon_settings& us, logger& log,
                             random_source& random)
    : io_(io),
      broker_(us.broker),
      deployment_(us.deployment),
      control_prefix_(us.control_prefix),
      prefixes_{us.control_prefix},
      log_(log),
      random_(random),
      refusals_(log, "frame_refused", "refused a frame: "),
      protocol_(us.broker.protocol),
      reconnect_(limits::reconnect_delay_min, limits::reconnect_delay_max),
      resubscribe_(limits::reconnect_delay_min, limits::reconnect_delay_max),
      timer_(io) {}

mqtt_acceptor::~mqtt_acceptor() {
  while (!live_.empty()) {
    auto& inbound = *live_.begin()->second.inbound;
    on_inbound_closed(inbound);
    inbound.detach();
  }
  if (client_) client_->disconnect();
}

void mqtt_acceptor::configure(const std::vector<link_settings>& links) {
  std::map<std::string, known_link> configured;
  prefixes_ = {control_prefix_};
  for (const auto& link : links) {
    known_link& entry = configured[link.name];
    entry.control_prefix = link.control_prefix.empty() ? control_prefix_ : link.control_prefix;
    entry.frame_key_file = link.frame_key_file;
    entry.only_way = link.servers.empty() && !link.accept;
    prefixes_.insert(entry.control_prefix);
    const auto before = links_.find(link.name);
    if (before != links_.end()) entry.newest = before->second.newest;
  }
  links_ = std::move(configured);
  if (!up_) return;
  const auto wanted = wanted_filters();
  std::vector<std::string> unwanted;
  std::set_difference(subscribed_.begin(), subscribed_.end(), wanted.begin(), wanted.end(),
                      std::back_inserter(unwanted));
  for (const auto& filter : unwanted) subscribed_.erase(filter);
  if (!unwanted.empty()) (void)client_->unsubscribe(unwanted);
  subscribe_missing();
}

void mqtt_acceptor::start(acceptor_events& events) {
  events_ = &events;
  connect();
}

// The client

void mqtt_acceptor::connect() {
  mqtt::client_settings settings;
  settings.server = broker_.server;
  settings.login = broker_.login;
  settings.tls = broker_.tls;
  settings.client_id = broker_.client_id + ":link";
  settings.mqtt5 = mqtt5_ = protocol_.mqtt5();
  settings.keepalive = broker_.keepalive;
  settings.packet_bytes_max = packet_bytes_max;
  client_ = std::make_unique<mqtt::libmosquitto_client>(io_, std::move(settings));
  client_->start(*this);
}

void mqtt_acceptor::on_connected(const mqtt::connack& granted) {
  granted_ = granted;
  up_ = true;
  subscribe_missing();
}

void mqtt_acceptor::on_closed(const mqtt::end_of_connection& end) {
  const error reason = end.reason;
  protocol_.learn(end);
  lose_connection(reason);
}

void mqtt_acceptor::lose_connection(const error& reason) {
  up_ = false;
  client_.reset();
  subscribed_.clear();
  subscribing_.clear();
  proofs_.clear();
  probing_.clear();
  inflight_.clear();
  // Two clients with one id throw each other out again and again.
  const bool lasted = up_since_ && steady::now() - *up_since_ > limits::reconnect_delay_max;
  if (lasted) reconnect_.reset();
  up_since_.reset();
  const auto delay = reconnect_.next(random_);
  arm_timer(delay);
  log_.write(log_level::warning, "acceptor_down", "",
             "peers cannot reach us through " + to_string(broker_.server) + ": " + reason.text +
                 "; next attempt in " + std::to_string(delay.count()) + " ms");
  const std::weak_ptr alive(alive_);
  while (!alive.expired() && !live_.empty()) end_path(live_.begin()->first, reason);
}

void mqtt_acceptor::arm_timer(milliseconds after) {
  timer_.expires_after(after);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](const auto& cancelled) {
    if (!cancelled && !alive.expired()) on_timer();
  });
}

// Time to connect or to ask again for what was refused, or a SUBACK or a probe did not come.
void mqtt_acceptor::on_timer() {
  if (!client_) return connect();
  if (!subscribing_.empty()) {
    return lose_connection({errc::unavailable, to_string(broker_.server) + " sends no SUBACK"});
  }
  for (const auto& [prefix, found] : proofs_) {
    if (found == proof::awaited) tell_not_carried(prefix);
  }
  subscribe_missing();
  if (subscribing_.empty()) probe();
}

std::set<std::string> mqtt_acceptor::wanted_filters() const {
  std::set<std::string> filters;
  for (const auto& prefix : prefixes_) filters.insert(control_topic(prefix, deployment_, "+"));
  return filters;
}

void mqtt_acceptor::subscribe_missing() {
  const auto wanted = wanted_filters();
  std::vector<std::string> missing;
  std::set_difference(wanted.begin(), wanted.end(), subscribed_.begin(), subscribed_.end(),
                      std::back_inserter(missing));
  if (missing.empty()) return;
  mqtt::subscribe_options options;
  options.retain_handling = 2;
  const auto id = client_->subscribe(missing, options);
  if (id) subscribing_[*id] = std::move(missing);
  arm_timer(suback_timeout);
}

void mqtt_acceptor::on_subscribed(mqtt::packet_id id,
                                  const std::vector<std::uint8_t>& reason_codes) {
  const auto asked = subscribing_.extract(id);
  if (asked.empty()) return;
  const auto& filters = asked.mapped();
  bool all = true;
  for (std::size_t i = 0; i < filters.size(); ++i) {
    const std::uint8_t code = i < reason_codes.size() ? reason_codes[i] : 0x80;
    const publishing where{broker_.server, broker_.login.username, ""};
    if (const auto failure = subscribe_failure(code, filters[i], where)) {
      all = false;
      tell_unreachable(filters[i], *failure);
    } else {
      subscribed_.insert(filters[i]);
    }
  }
  if (!all) return arm_timer(resubscribe_.next(random_));
  if (!subscribing_.empty()) return;
  timer_.cancel();
  resubscribe_.reset();
  if (!up_since_) up_since_ = steady::now();
  probe();
}

// Tells the log, and the links of that filter whose peer cannot reach us in any other way.
void mqtt_acceptor::tell_unreachable(const std::string& filter, const error& why) {
  log_.write(log_level::warning, "acceptor_refused", "", why.text);
  std::vector<std::string> concerned;
  for (const auto& [name, link] : links_) {
    const bool through_it = control_topic(link.control_prefix, deployment_, "+") == filter;
    if (link.only_way && through_it) concerned.push_back(name);
  }
  for (const auto& name : concerned) events_->on_unreachable(name, why);
}

// What comes in

void mqtt_acceptor::on_message(mqtt::received_message received) {
  const message& what = received.what;
  if (what.payload.empty() && take_probe(what.topic)) return;
  const auto from = sender_of(what.topic);
  if (!from) return refusals_.note("", "not from a deployment");
  // A retained message waited for us: a frame never does.
  if (what.retain) return refuse(*from, "retained");
  if (from->link && from->link->control_prefix != from->control_prefix) {
    return refuse(*from, "under " + from->control_prefix + ", but the link's control_prefix is " +
                             from->link->control_prefix + " here");
  }
  if (what.payload.size() > limits::frame_bytes_max + envelope_overhead_bytes_max) {
    return refuse(*from, "larger than 1 MiB");
  }
  on_payload(*from, what.payload);
}

std::optional<mqtt_acceptor::sender> mqtt_acceptor::sender_of(const std::string& topic) {
  for (const auto& prefix : prefixes_) {
    auto name = sender_in(topic, prefix, deployment_);
    if (!name || *name == deployment_) continue;
    const auto known = links_.find(*name);
    return sender{std::move(*name), prefix, known == links_.end() ? nullptr : &known->second};
  }
  return std::nullopt;
}

void mqtt_acceptor::refuse(const sender& from, std::string_view why) {
  refusals_.note(from.link ? from.name : "", why);
}

void mqtt_acceptor::on_payload(const sender& from, bytes_view payload) {
  const auto live = live_.find(from.name);
  if (live == live_.end() || claimed_path(payload) != live->second.inbound->stream().path()) {
    return on_first_payload(from, payload);
  }
  mqtt_inbound_path& inbound = *live->second.inbound;
  const auto frame = inbound.stream().open(payload);
  if (!frame) return refuse(from, frame.error().text);
  if (frame->empty()) {
    return end_path(from.name, {errc::unavailable, from.name + "'s daemon ended the connection"});
  }
  if (!inbound.receive(*frame)) {
    end_path(from.name, {errc::unavailable, "frames came before they were wanted"});
  }
}

// Of a path that is not there: its beginning, or the rest of one that is over.
void mqtt_acceptor::on_first_payload(const sender& from, bytes_view payload) {
  std::optional<secret> key;
  if (from.link && !from.link->frame_key_file.empty()) {
    auto read = read_frame_key(from.link->frame_key_file);
    if (!read) return refuse(from, read.error().text);
    key = std::move(*read);
  }
  const direction outgoing{deployment_, from.name, false};
  const auto opened = open(payload, outgoing.reversed(), key);
  if (!opened) return refuse(from, opened.error().text);
  if (opened->frame.empty()) return;
  path_stream stream(opened->path, outgoing, key);
  if (opened->number != 0) return answer_end(from, std::move(stream));
  if (key) {
    if (from.link->newest && opened->path <= *from.link->newest) {
      return refuse(from, "of a path before the last one: replayed, or that daemon lost its state");
    }
    from.link->newest = opened->path;
  }
  (void)stream.open(payload);  // remembers the number
  accept(from, std::move(stream), opened->frame);
}

// The peer does not know that the path is over: perhaps our connection or our daemon was. Told
// only to links: strangers could make us write.
void mqtt_acceptor::answer_end(const sender& from, path_stream stream) {
  if (!from.link || live_.contains(from.name) || !has_window()) return;
  if (!is_due(next_end_, end_interval)) return;
  publish(control_topic(from.control_prefix, from.name, deployment_), stream.seal({}), nullptr, 0);
}

bool mqtt_acceptor::has_room_for(const sender& from) {
  if (!from.link && !is_due(next_stranger_, stranger_interval)) return false;
  return live_.size() < inbound_paths_max;
}

void mqtt_acceptor::accept(const sender& from, path_stream stream, bytes_view first_frame) {
  if (!has_room_for(from)) return refuse(from, "too many unknown peers");
  const std::string topic = control_topic(from.control_prefix, from.name, deployment_);
  const auto largest = frame_bytes_max(granted_, mqtt5_, topic);
  if (!largest) return refuse(from, largest.error().text);
  const std::weak_ptr alive(alive_);
  end_path(
      from.name,
      {errc::unavailable,
       from.name + " dialled again: its old connection is gone, or a second daemon runs for it"});
  if (alive.expired()) return;
  inbound_carrier& carrier = *this;
  auto inbound = std::make_unique<mqtt_inbound_path>(io_, carrier, std::move(stream), *largest,
                                                     to_string(broker_.server) + " (accepted)");
  inbound->receive(first_frame);
  live_[from.name] = {inbound.get(), topic};
  events_->on_inbound(from.name, std::move(inbound));
}

void mqtt_acceptor::end_path(const std::string& peer, const error& reason) {
  const auto found = live_.find(peer);
  if (found == live_.end()) return;
  mqtt_inbound_path* inbound = found->second.inbound;
  for (auto& [id, frame] : inflight_) {
    if (frame.inbound == inbound) frame.inbound = nullptr;
  }
  live_.erase(found);
  inbound->fail(reason);
}

void mqtt_acceptor::on_inbound_closed(mqtt_inbound_path& inbound) {
  for (auto& [id, frame] : inflight_) {
    if (frame.inbound == &inbound) frame.inbound = nullptr;
  }
  const auto found = std::find_if(live_.begin(), live_.end(), [&](const auto& each) {
    return each.second.inbound == &inbound;
  });
  if (inbound.is_started() && has_window()) {
    publish(found->second.outgoing_topic, inbound.stream().seal({}), nullptr, 0);
  }
  live_.erase(found);
}

// What goes out

bool mqtt_acceptor::has_window() const {
  return up_ &&
         inflight_.size() < std::min<std::size_t>(frames_inflight_max, granted_.receive_maximum);
}

// Path after path, so that none waits for another's backlog.
void mqtt_acceptor::on_frames_waiting() {
  std::size_t idle = 0;
  while (has_window() && idle < live_.size()) {
    auto next = live_.upper_bound(last_served_);
    if (next == live_.end()) next = live_.begin();
    last_served_ = next->first;
    auto payload = next->second.inbound->take_payload();
    idle = payload ? 0 : idle + 1;
    if (!payload) continue;
    publish(next->second.outgoing_topic, std::move(payload->sealed), next->second.inbound,
            payload->frame_bytes);
  }
}

void mqtt_acceptor::publish(const std::string& topic, bytes sealed, mqtt_inbound_path* inbound,
                            std::size_t frame_bytes) {
  message what;
  what.topic = topic;
  what.payload = std::move(sealed);
  what.qos = 1;
  // An error means that the connection is gone, which on_closed() tells: the frame was no larger
  // than on_path_up allowed.
  if (const auto id = client_->publish(what)) inflight_[*id] = {inbound, topic, frame_bytes};
}

void mqtt_acceptor::on_published(mqtt::packet_id id, std::uint8_t reason_code) {
  if (const auto probed = probing_.extract(id);
      probed && reason_code >= mqtt_reason::first_failure) {
    return on_probe_refused(probed.mapped(), reason_code);
  }
  const auto done = inflight_.extract(id);
  if (done.empty()) return;
  on_frames_waiting();
  const inflight_frame& frame = done.mapped();
  if (frame.inbound == nullptr) return;
  const auto live = std::find_if(live_.begin(), live_.end(), [&](const auto& each) {
    return each.second.inbound == frame.inbound;
  });
  const publishing where{broker_.server, broker_.login.username, live->first};
  if (const auto failure = publish_failure(reason_code, frame.topic, where)) {
    return end_path(std::string(live->first), *failure);
  }
  frame.inbound->on_acknowledged(frame.bytes);
}

}  // namespace linkd::transport

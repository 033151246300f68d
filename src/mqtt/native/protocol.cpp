#include "mqtt/native/protocol.hpp"

#include <algorithm>
#include <utility>

#include "mqtt/reason_codes.hpp"
#include "mqtt_linkd/limits.hpp"

namespace linkd::mqtt::native {

namespace {

constexpr std::size_t ids_max = 65535;
// What is written is forgotten at the latest now; an empty buffer that is larger is given back.
constexpr std::size_t kept_output_bytes_max = 1u << 20;

}  // namespace

protocol::protocol(client_settings settings)
    : settings_(std::move(settings)),
      // MQTT 3.1.1 cannot announce a limit; who listens drops what is too large for him.
      incoming_bytes_max_(settings_.mqtt5 && settings_.packet_bytes_max > 0
                              ? settings_.packet_bytes_max
                              : packet_bytes_max),
      keepalive_(settings_.keepalive) {}

// --- requests ------------------------------------------------------------------------------------

result<void> protocol::connect(const secret& password) {
  return put_connect(output_, settings_, password);
}

result<packet_id> protocol::publish(const message& what) {
  const std::uint8_t qos = std::min<std::uint8_t>({what.qos, 1, granted_.qos_max});
  if (qos > 0 && unanswered_publishes_ >= granted_.receive_maximum) {
    return error{errc::unavailable, "the broker takes no more publishes at once"};
  }
  const auto id = new_id();
  if (!id) return id.error();
  const bool retain = what.retain && granted_.retain_available;
  const auto put =
      put_publish(output_, what, {qos, retain, *id}, settings_.mqtt5, outgoing_bytes_max_);
  const auto out = requested(*id, qos > 0 ? request::publish : request::publish_at_qos0, put);
  if (!out) return out;
  if (qos > 0) {
    ++unanswered_publishes_;
  } else {
    unwritten_.push_back({written_before_ + output_.size(), *id});
  }
  return out;
}

result<packet_id> protocol::subscribe(const std::vector<std::string>& filters,
                                      const subscribe_options& options,
                                      std::optional<std::uint32_t> subscription_id) {
  const auto id = new_id();
  if (!id) return id.error();
  return requested(*id, request::subscribe,
                   put_subscribe(output_, filters, options, subscription_id, *id, settings_.mqtt5,
                                 outgoing_bytes_max_));
}

result<packet_id> protocol::unsubscribe(const std::vector<std::string>& filters) {
  const auto id = new_id();
  if (!id) return id.error();
  return requested(*id, request::unsubscribe,
                   put_unsubscribe(output_, filters, *id, settings_.mqtt5, outgoing_bytes_max_));
}

void protocol::disconnect() {
  put_disconnect(output_);
}

// Section 2.2.1: unused by what is under way.
result<std::uint16_t> protocol::new_id() {
  if (!is_up()) return error{errc::unavailable, "not connected"};
  if (requests_.size() >= ids_max) return error{errc::unavailable, "too much is under way"};
  std::uint16_t id = last_id_;
  do {
    id = id == ids_max ? std::uint16_t{1} : static_cast<std::uint16_t>(id + 1);
  } while (requests_.contains(id));
  return id;
}

result<packet_id> protocol::requested(std::uint16_t id, request what, const result<void>& put) {
  if (!put) return put.error();
  last_id_ = id;
  requests_[id] = what;
  return packet_id{id};
}

// An answer to nothing is none of our business.
bool protocol::answers(std::uint16_t id, request what) {
  const auto found = requests_.find(id);
  if (found == requests_.end() || found->second != what) return false;
  requests_.erase(found);
  return true;
}

// --- what comes in -------------------------------------------------------------------------------

bool protocol::receive(bytes_view& in, time_point now) {
  last_in_ = now;
  batch_messages_ = batch_acknowledged_ = batch_bytes_ = 0;
  while (!end_) {
    if (batch_messages_ >= limits::capture_batch_messages_max ||
        batch_acknowledged_ >= limits::capture_batch_acknowledged_max ||
        batch_bytes_ >= limits::capture_batch_bytes_max) {
      return true;
    }
    const auto next = take_packet(in, incoming_bytes_max_);
    if (next && !*next) return false;
    const auto handled = next ? handle(**next) : result<void>(next.error());
    if (!handled) fail(handled.error());
  }
  return false;
}

result<void> protocol::handle(const packet& in) {
  if (!up_ && in.type != packet_type::connack) return error{errc::corrupt, "no CONNACK first"};
  switch (in.type) {
    case packet_type::connack:
      return handle_connack(in);
    case packet_type::publish:
      return handle_publish(in);
    case packet_type::puback:
      return handle_puback(in);
    case packet_type::pubrel:
      return handle_pubrel(in);
    case packet_type::suback:
    case packet_type::unsuback:
      return handle_subscription_answer(in);
    case packet_type::pingresp:
      pinged_at_.reset();
      return {};
    case packet_type::disconnect:
      return handle_disconnect(in);
    default:
      return error{errc::corrupt, "a packet that no server sends, or not to us"};
  }
}

result<void> protocol::handle_connack(const packet& in) {
  if (up_) return error{errc::corrupt, "a second CONNACK"};
  const auto answer = read_connack(in, settings_.mqtt5);
  if (!answer) return answer.error();
  if (answer->reason_code != 0) {
    end_ = {end_kind::refused,
            answer->reason_code,
            {errc::refused, "refused, " + reason_text(answer->reason_code)}};
    return {};
  }
  up_ = true;
  granted_ = answer->granted;
  if (granted_.packet_bytes_max > 0) outgoing_bytes_max_ = granted_.packet_bytes_max;
  if (granted_.keepalive) keepalive_ = *granted_.keepalive;
  last_out_ = last_in_;
  events_.emplace_back(granted_);
  return {};
}

result<void> protocol::handle_publish(const packet& in) {
  auto read = read_publish(in, settings_.mqtt5);
  if (!read) return read.error();
  const std::uint8_t qos = read->in.what.qos;
  if (unheard_ && qos > 0) return {};
  if (qos == 1) put_acknowledgement(output_, packet_type::puback, read->id);
  if (qos == 2) {
    put_acknowledgement(output_, packet_type::pubrec, read->id);
    if (!unreleased_.insert(read->id).second) return {};  // section 4.3.3
  }
  ++batch_messages_;
  if (qos > 0) ++batch_acknowledged_;
  batch_bytes_ += in.body.size();
  events_.emplace_back(std::move(read->in));
  return {};
}

result<void> protocol::handle_puback(const packet& in) {
  const auto answer = read_acknowledgement(in, settings_.mqtt5);
  if (!answer) return answer.error();
  if (!answers(answer->id, request::publish)) return {};
  --unanswered_publishes_;
  events_.emplace_back(published{answer->id, answer->reason_code});
  return {};
}

result<void> protocol::handle_pubrel(const packet& in) {
  const auto release = read_acknowledgement(in, settings_.mqtt5);
  if (!release) return release.error();
  unreleased_.erase(release->id);
  put_acknowledgement(output_, packet_type::pubcomp, release->id);
  return {};
}

result<void> protocol::handle_subscription_answer(const packet& in) {
  auto answer = read_subscription_answer(in, settings_.mqtt5);
  if (!answer) return answer.error();
  if (in.type == packet_type::suback) {
    if (!answers(answer->id, request::subscribe)) return {};
    events_.emplace_back(subscribed{answer->id, std::move(answer->reason_codes)});
  } else if (answers(answer->id, request::unsubscribe)) {
    events_.emplace_back(unsubscribed{answer->id});
  }
  return {};
}

result<void> protocol::handle_disconnect(const packet& in) {
  if (!settings_.mqtt5) return error{errc::corrupt, "a packet that no server sends"};
  const auto code = read_disconnect(in);
  if (!code) return code.error();
  end_ = {
      end_kind::by_peer, *code, {errc::io, "disconnected by the broker, " + reason_text(*code)}};
  return {};
}

void protocol::fail(const error& why) {
  const end_kind kind = up_ ? end_kind::failed : end_kind::no_connack;
  end_ = {kind, 0, {errc::io, "closed by us: the broker sent " + why.text}};
}

// --- what goes out, and when ---------------------------------------------------------------------

void protocol::written(std::size_t size, time_point now) {
  last_out_ = now;
  written_ += size;
  while (!unwritten_.empty() && unwritten_.front().end <= written_before_ + written_) {
    const std::uint16_t id = unwritten_.front().id;
    unwritten_.pop_front();
    requests_.erase(id);
    events_.emplace_back(published{id, 0});
  }
  if (written_ < output_.size() && written_ < kept_output_bytes_max) return;
  written_before_ += written_;
  output_.erase(0, written_);
  written_ = 0;
  if (output_.empty() && output_.capacity() > kept_output_bytes_max) output_.shrink_to_fit();
}

// Section 3.1.2.10: we say something within the keepalive, and ask who has been silent for so long.
std::optional<time_point> protocol::deadline() const {
  if (!is_up() || keepalive_ == seconds(0)) return std::nullopt;
  if (pinged_at_) return std::max(*pinged_at_, last_in_) + keepalive_;
  return std::min(last_in_, last_out_) + keepalive_;
}

void protocol::on_deadline(time_point now) {
  const auto due = deadline();
  if (!due || now < *due) return;
  if (pinged_at_) {
    end_ = {end_kind::timed_out, 0, {errc::io, "no answer within the keepalive"}};
    return;
  }
  pinged_at_ = now;
  put_pingreq(output_);
}

}  // namespace linkd::mqtt::native

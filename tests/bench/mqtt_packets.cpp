#include "tests/bench/mqtt_packets.hpp"

#include <stdexcept>

namespace linkd::bench {
namespace {

constexpr char connect_head = 0x10;
constexpr char publish_head = 0x30;
constexpr char puback_head = 0x40;
constexpr char subscribe_head = char(0x82);

void put_u16(std::string& out, std::size_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value));
}

void put_string(std::string& out, std::string_view text) {
  put_u16(out, text.size());
  out.append(text);
}

void put_length(std::string& out, std::size_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

std::string make_packet(char head, std::string_view body) {
  std::string out(1, head);
  put_length(out, body.size());
  return out.append(body);
}

std::uint16_t take_u16(std::string_view& in) {
  if (in.size() < 2) throw std::runtime_error("the broker sent a packet that is too short");
  const auto value = static_cast<std::uint16_t>(static_cast<unsigned char>(in[0]) << 8 |
                                                static_cast<unsigned char>(in[1]));
  in.remove_prefix(2);
  return value;
}

}  // namespace

std::optional<packet> take_packet(std::string_view& in) {
  std::size_t length = 0;
  for (std::size_t i = 1; i < in.size(); ++i) {
    if (i > 4) throw std::runtime_error("the broker sent something that is not MQTT");
    const auto byte = static_cast<unsigned char>(in[i]);
    length |= static_cast<std::size_t>(byte & 0x7f) << (7 * (i - 1));
    if (byte & 0x80) continue;
    if (in.size() - i - 1 < length) return std::nullopt;
    const auto head = static_cast<unsigned char>(in[0]);
    const packet found{static_cast<packet_type>(head >> 4), static_cast<std::uint8_t>(head & 0x0f),
                       in.substr(i + 1, length)};
    in.remove_prefix(i + 1 + length);
    return found;
  }
  return std::nullopt;
}

published read_publish(const packet& from) {
  published what;
  std::string_view rest = from.body;
  const std::size_t topic_size = take_u16(rest);
  if (rest.size() < topic_size) throw std::runtime_error("the broker sent a topic cut off");
  what.topic = rest.substr(0, topic_size);
  rest.remove_prefix(topic_size);
  what.qos = (from.flags >> 1) & 3;
  if (what.qos > 0) what.id = take_u16(rest);
  what.payload = rest;
  return what;
}

std::string connect_packet(std::string_view client_id) {
  std::string body;
  put_string(body, "MQTT");
  body.push_back(4);     // 3.1.1
  body.push_back(0x02);  // a clean session
  put_u16(body, 0);      // no keepalive
  put_string(body, client_id);
  return make_packet(connect_head, body);
}

std::string subscribe_packet(std::string_view filter, std::uint8_t qos) {
  std::string body;
  put_u16(body, 1);
  put_string(body, filter);
  body.push_back(static_cast<char>(qos));
  return make_packet(subscribe_head, body);
}

void append_publish(std::string& out, const published& what) {
  const std::size_t id_size = what.qos > 0 ? 2 : 0;
  out.push_back(static_cast<char>(publish_head | what.qos << 1));
  put_length(out, 2 + what.topic.size() + id_size + what.payload.size());
  put_string(out, what.topic);
  if (what.qos > 0) put_u16(out, what.id);
  out.append(what.payload);
}

void append_puback(std::string& out, std::uint16_t id) {
  out.push_back(puback_head);
  out.push_back(2);
  put_u16(out, id);
}

std::uint16_t read_puback(const packet& from) {
  std::string_view rest = from.body;
  return take_u16(rest);
}

}  // namespace linkd::bench

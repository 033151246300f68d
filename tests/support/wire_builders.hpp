#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "mqtt_linkd/message.hpp"
#include "wire/frame.hpp"
#include "wire/record.hpp"

// Messages, records and frames for tests: plausible, small, from a seed.
namespace linkd::test {

using random_engine = std::mt19937_64;

inline std::uint64_t below(random_engine& random, std::uint64_t bound) {
  return random() % bound;
}

inline bytes random_bytes(random_engine& random, std::size_t size) {
  bytes out(size, '\0');
  for (char& each : out) each = static_cast<char>(random());
  return out;
}

// Well-formed UTF-8 of one to four bytes a character.
inline std::string random_text(random_engine& random, std::size_t characters) {
  static constexpr const char* alphabet[] = {"a", "Z", "7", " ", "é", "Ж", "€", "水", "🚚"};
  std::string out;
  while (characters-- > 0) out += alphabet[below(random, std::size(alphabet))];
  return out;
}

inline std::string random_topic(random_engine& random) {
  std::string out = "t";
  for (auto levels = below(random, 4); levels > 0; --levels)
    out += "/" + random_text(random, below(random, 5));
  return out;
}

inline message random_message(random_engine& random, std::size_t payload_bytes_max = 64) {
  message out;
  out.topic = random_topic(random);
  out.payload = random_bytes(random, below(random, payload_bytes_max + 1));
  out.qos = static_cast<std::uint8_t>(below(random, 2));
  out.retain = below(random, 2) == 1;
  const auto maybe = [&] { return below(random, 2) == 1; };
  auto& properties = out.properties;
  if (maybe()) properties.payload_format_indicator = static_cast<std::uint8_t>(below(random, 2));
  if (maybe()) properties.message_expiry_interval_s = static_cast<std::uint32_t>(random());
  if (maybe()) properties.content_type = random_text(random, below(random, 6));
  if (maybe()) properties.response_topic = random_topic(random);
  if (maybe()) properties.correlation_data = random_bytes(random, below(random, 9));
  for (auto count = below(random, 3); count > 0; --count)
    properties.user_properties.emplace_back(random_text(random, 3), random_text(random, 2));
  return out;
}

inline stamp random_stamp(random_engine& random) {
  return stamp(milliseconds(below(random, 4'000'000'000'000)));
}

// A record of roughly `payload_bytes`.
inline bytes make_record(std::size_t payload_bytes, char fill = 'x') {
  return wire::encode_record(stamp(milliseconds(1)),
                             {"t", bytes(payload_bytes, fill), 1, false, {}});
}

inline wire::hello make_hello(const std::string& deployment, const std::string& peer) {
  wire::hello out;
  out.features = {std::string(wire::feature_zstd)};
  out.deployment = deployment;
  out.peer = peer;
  out.incarnation = 3;
  out.queue_id = 0x1122334455667788;
  out.inflight_bytes_max = 8u << 20;
  out.frame_bytes_max = 1u << 20;
  out.message_bytes_max = 16u << 20;
  return out;
}

}  // namespace linkd::test

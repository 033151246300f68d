// Whatever may stand in a queue as a record: refused, or a message that may be published.
#include "tests/fuzz/input.hpp"
#include "topic/topic.hpp"
#include "wire/record.hpp"

using namespace linkd;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view encoded(reinterpret_cast<const char*>(data), size);
  const auto head = wire::peek_record(encoded);
  const auto record = wire::decode_record(encoded);
  if (!record) return 0;
  fuzz::must(head.has_value(), "a good record can be peeked into");
  const message& content = record->content;
  fuzz::must(head->qos == content.qos && head->payload_bytes == content.payload.size() &&
                 head->captured_at == record->captured_at &&
                 head->expiry_s == content.properties.message_expiry_interval_s,
             "the head tells the same");
  fuzz::must(topic::check_name(content.topic).has_value(), "the topic may be published to");
  fuzz::must(content.qos <= 1, "the QoS is one of ours");
  const auto again = wire::decode_record(wire::encode_record(record->captured_at, content));
  fuzz::must(again.has_value() && again->content == content, "a record survives");
  const auto plain = wire::decode_record(wire::without_retain(encoded));
  fuzz::must(plain.has_value() && !plain->content.retain, "the flag can be cleared");
  return 0;
}

// Whatever a broker may send: the connection goes on or is over, and it does not matter in which
// pieces it came.
#include "mqtt/native/protocol.hpp"
#include "tests/fuzz/input.hpp"

using namespace linkd;
using namespace linkd::mqtt;

namespace {

struct outcome {
  std::size_t events = 0, messages = 0;
  std::optional<end_kind> end;
  bytes said;
  bool operator==(const outcome&) const = default;
};

outcome hear(bytes_view heard, bool mqtt5, std::size_t piece_bytes) {
  client_settings settings;
  settings.client_id = "fuzz";
  settings.mqtt5 = mqtt5;
  settings.packet_bytes_max = 4096;
  native::protocol protocol(settings);
  static_cast<void>(protocol.connect({}));
  outcome out;
  bytes left;
  while (!heard.empty() && !protocol.end()) {
    left += heard.substr(0, piece_bytes);
    heard.remove_prefix(std::min(piece_bytes, heard.size()));
    bytes_view in = left;
    while (protocol.receive(in, time_point{})) {
    }
    left = bytes(in);
    for (const auto& each : protocol.events()) {
      ++out.events;
      if (std::holds_alternative<connack>(each)) {
        // Something to be answered.
        static_cast<void>(protocol.subscribe({"a/#"}, {}, 1));
        static_cast<void>(protocol.publish({"a", "x", 1, false, {}}));
      }
      const auto* message = std::get_if<received_message>(&each);
      if (!message) continue;
      ++out.messages;
      fuzz::must(!message->what.topic.empty() && message->what.qos <= 2, "a message is one");
      fuzz::must(mqtt5 || message->what.properties == publish_properties{},
                 "no properties in MQTT 3.1.1");
      for (const auto id : message->subscription_ids) fuzz::must(id != 0, "an identifier is one");
    }
    protocol.events().clear();
  }
  if (protocol.end()) out.end = protocol.end()->kind;
  out.said = protocol.output();
  return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input input(data, size);
  const bool mqtt5 = input.octet() % 2 == 1;
  // A small piece at a time, so that answers to what we ask find it asked.
  const std::size_t piece_bytes = 1 + input.octet();
  const bytes_view heard = input.rest();
  const outcome once = hear(heard, mqtt5, piece_bytes);
  fuzz::must(once == hear(heard, mqtt5, piece_bytes), "the same again");
  if (!once.end) {
    const outcome whole = hear(heard, mqtt5, 1u << 20);
    fuzz::must(!whole.end && whole.messages == once.messages, "in one piece as in many");
  }
  return 0;
}

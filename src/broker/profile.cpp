#include "broker/profile.hpp"

#include <algorithm>
#include <array>

namespace linkd::broker_adapter {

namespace {

constexpr std::size_t no_limit = 65'535;  // bytes of a topic name (MQTT 5, section 1.5.4)
constexpr std::string_view control_characters =
    "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
    "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f";

constexpr std::array<std::string_view, 2> mosquitto_weaker{
    "of what waits for us it keeps 1000 messages unless max_queued_messages is 0",
    "its crash loses what it had acknowledged unless autosave_on_changes is true and "
    "autosave_interval 1"};
constexpr std::array<std::string_view, 1> rabbitmq_weaker{
    "it forgets our session after a day unless mqtt.subscription_ttl is longer"};
constexpr std::array<std::string_view, 2> ejabberd_weaker{
    "its restart loses our session and what waits there",
    "it ends our session when 1000 messages wait or after 5 minutes unless mod_mqtt has a larger "
    "max_queue and session_expiry"};
constexpr std::array<std::string_view, 3> nats_weaker{
    "what it acknowledges while it is being stopped is lost",
    "what we had not acknowledged comes again behind newer messages",
    "it grants 63 filters, 31 that end in #, unless mqtt.max_ack_pending is smaller"};
constexpr std::array<std::string_view, 1> activemq_weaker{
    "its own messages cross a link whose topics are # unless advisorySupport is false"};
constexpr std::array<std::string_view, 2> aedes_weaker{
    "what we had not acknowledged may come again behind newer messages",
    "its restart loses our session and what waits there unless it has a persistence module"};
constexpr std::array<std::string_view, 2> emqx_weaker{
    "of what waits for us it keeps the newest 1000 messages unless mqtt.max_mqueue_len is infinity",
    "a burst makes it end our connection unless force_shutdown.max_mailbox_size is larger"};
constexpr std::array<std::string_view, 1> nanomq_weaker{
    "what waits in our session comes slowly or never"};

// Bad characters, why, $, one queue, levels, bytes, weaker promises.
constexpr std::array profiles{
    profile{broker_profile::mosquitto, "mosquitto", control_characters,
            "closes the connection on it", true, true, 200, no_limit, mosquitto_weaker},
    profile{broker_profile::rabbitmq, "RabbitMQ", ".*", "would deliver it under another name", true,
            true, no_limit, no_limit, rabbitmq_weaker},
    profile{broker_profile::ejabberd, "ejabberd", "", "", false, true, no_limit, no_limit,
            ejabberd_weaker},
    profile{broker_profile::nats, "NATS", ". \t", "closes the connection on it", true, false,
            no_limit, no_limit, nats_weaker},
    profile{broker_profile::activemq, "ActiveMQ", ",", "would deliver it to other topics", false,
            true, no_limit, no_limit, activemq_weaker},
    profile{broker_profile::aedes, "aedes", "", "", true, true, no_limit, no_limit, aedes_weaker},
    profile{broker_profile::emqx, "EMQX", "", "", true, true, 128, no_limit, emqx_weaker},
    profile{broker_profile::nanomq, "NanoMQ", "", "", true, true, no_limit, 255, nanomq_weaker},
};

}  // namespace

const profile* find_profile(broker_profile which) {
  const auto* found = std::ranges::find(profiles, which, &profile::which);
  return found == profiles.end() ? nullptr : found;
}

std::optional<std::string> unfit(const profile& at, std::string_view topic) {
  if (topic.find_first_of(at.bad_characters) != std::string_view::npos) {
    return "topic with a character that " + std::string(at.name) + " does not carry: it " +
           std::string(at.bad_because);
  }
  if (!at.dollar_topics && topic.starts_with('$')) {
    return "topic that begins with $: " + std::string(at.name) + " carries none";
  }
  if (topic.size() > at.topic_bytes_max) {
    return "topic longer than the " + std::to_string(at.topic_bytes_max) + " bytes that " +
           std::string(at.name) + " carries";
  }
  const auto levels = static_cast<std::size_t>(std::ranges::count(topic, '/')) + 1;
  if (levels > at.levels_max) {
    return "topic with more than the " + std::to_string(at.levels_max) + " levels that " +
           std::string(at.name) + " carries";
  }
  return std::nullopt;
}

}  // namespace linkd::broker_adapter

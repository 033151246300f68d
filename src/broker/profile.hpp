#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mqtt_linkd/settings.hpp"

namespace linkd::broker_adapter {

// What brokers of one make do that MQTT does not let them tell, as real ones were seen to. The
// table is in profile.cpp; for people it is in the README.
struct profile {
  broker_profile which;
  std::string_view name;
  // A topic name with one of these never arrives as it is, for this reason.
  std::string_view bad_characters;
  std::string_view bad_because;
  bool dollar_topics;  // carries names that begin with $
  bool one_queue;      // for all subscriptions of a session; otherwise one may overtake another
  std::size_t levels_max;
  std::size_t topic_bytes_max;
  std::span<const std::string_view> weaker;  // promises, and the setting that mends each
};

// nullptr: nothing is known (`automatic`).
const profile* find_profile(broker_profile which);

// Why a message to this topic must not be published there; nullopt: it may be.
std::optional<std::string> unfit(const profile& at, std::string_view topic);

}  // namespace linkd::broker_adapter

#pragma once

#include <mosquitto.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "mqtt_linkd/message.hpp"
#include "mqtt_linkd/result.hpp"

namespace linkd::mqtt {

// A property list of libmosquitto, owned. Empty: nullptr, as the library has it.
class property_list {
 public:
  property_list() = default;
  ~property_list() { mosquitto_property_free_all(&head_); }
  property_list(property_list&& other) noexcept : head_(std::exchange(other.head_, nullptr)) {}
  property_list& operator=(property_list&&) = delete;
  [[nodiscard]] const mosquitto_property* get() const { return head_; }
  mosquitto_property** out() { return &head_; }

 private:
  mosquitto_property* head_ = nullptr;
};

// errc::invalid: a string that is no UTF-8 or holds NUL, or one longer than 65,535 bytes.
result<property_list> to_list(const publish_properties& properties);

// What the publisher set; properties of the connection (aliases, identifiers) are left out.
publish_properties from_list(const mosquitto_property* list);

// MQTT 5, section 3.3.2.3.8.
std::vector<std::uint32_t> subscription_ids(const mosquitto_property* list);

}  // namespace linkd::mqtt

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mqtt_linkd/ports/storage.hpp"
#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/time.hpp"

namespace linkd::queue {

// Messages the local broker would not take, for a person to look at: `dead-letters/` of a link,
// bounded by limits::dead_letter_bytes_max; the oldest file goes first. One JSON object a line
// (queue/FORMAT.md, "Dead letters"). Blocking calls; for a worker.
class dead_letters {
 public:
  static result<dead_letters> open(storage& disk, const std::string& directory);
  struct letter {
    stamp when;
    std::string reason;  // "0x87 not authorized"
    std::string topic;
    std::uint8_t qos = 0;
    bool retain = false;
    bytes payload;  // cut at dead_letter_payload_bytes_max
  };
  result<void> append(const letter& what);
};

}  // namespace linkd::queue

#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "mqtt_linkd/ports/storage.hpp"
#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/time.hpp"

namespace linkd::queue {

// Messages that cannot be handed on, for a person to look at: `dead-letters/` of a link, bounded by
// limits::dead_letter_bytes_max; the oldest file goes first. One JSON object a line
// (queue/FORMAT.md, "Dead letters"). Blocking calls; for a worker.
class dead_letters {
 public:
  // Creates the directory if it is absent. `disk` must outlive the object.
  static result<dead_letters> open(storage& disk, const std::string& directory);
  struct letter {
    stamp when;
    std::string reason;  // "0x87 not authorized"
    std::string topic;
    std::uint8_t qos = 0;
    bool retain = false;
    bytes payload;  // cut at dead_letter_payload_bytes_max
  };
  // On disk on return. After an error the letter may be missing or incomplete; later ones are not.
  result<void> append(const letter& what);

 private:
  struct part {
    std::uint64_t number = 0;
    std::uint64_t size = 0;
  };
  dead_letters(storage& disk, std::string directory)
      : disk_(&disk), directory_(std::move(directory)) {}
  [[nodiscard]] std::string path(std::uint64_t number) const;
  result<void> make_room(std::uint64_t size);
  result<void> begin_part();

  storage* disk_;
  std::string directory_;
  std::deque<part> parts_;  // ascending; the last one is written to if `current_`
  std::shared_ptr<file> current_;
  std::uint64_t next_number_ = 1;
};

}  // namespace linkd::queue

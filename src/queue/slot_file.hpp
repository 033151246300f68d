#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "mqtt_linkd/bytes.hpp"
#include "mqtt_linkd/ports/storage.hpp"
#include "mqtt_linkd/result.hpp"

namespace linkd::queue {

// A small value that is replaced in place, so that a full disk can still store it: two slots
// written in turn, each with generation and checksum (queue/FORMAT.md, "Slot file"). The newer
// valid slot counts.
class slot_file {
 public:
  static constexpr std::size_t value_bytes_max = 464;

  // Creates the file (allocated, synced, its directory synced) if it is absent. Blocking.
  static result<slot_file> open(storage& disk, const std::string& path);

  // The value found at open() or written last; none in a new file or if both slots are bad.
  [[nodiscard]] const std::optional<bytes>& value() const { return value_; }
  // Blocking. Without sync a crash of the process keeps it, a crash of the machine may lose it, but
  // never the value synced last. After a sync that failed the next one stands for itself alone: a
  // write is always of the whole slot.
  result<void> write(bytes_view value, bool sync);

 private:
  std::shared_ptr<file> file_;
  std::optional<bytes> value_;
  std::uint64_t generation_ = 0;
  std::size_t synced_slot_ = 1;  // never overwritten before the other one is synced
};

// Replaces a whole small file: new file, sync, rename, directory sync. Blocking.
result<void> replace_file(storage& disk, const std::string& path, bytes_view content);
// errc::not_found, errc::too_large. Blocking.
result<bytes> read_file(storage& disk, const std::string& path, std::size_t bytes_max);

}  // namespace linkd::queue

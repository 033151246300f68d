#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mqtt_linkd/ports/storage.hpp"
#include "queue/slot_file.hpp"
#include "wire/frame.hpp"

namespace linkd::link {

// Finds the record that ends the process each time it is handled, so that the next start does not
// meet it again and again. A life that ends without order and without having moved the cursor makes
// the next one careful: it handles one record at a time, each noted on disk beforehand: it is on
// trial. A note that the next start finds is a death (STATE.md, "trial"). Outlives only the
// process: nothing is synced, because no record ends the machine.
class crash_guard {
 public:
  // At the start of a life, with the cursor that is on disk. Blocking.
  static result<crash_guard> open(storage& disk, const std::string& path,
                                  const std::optional<wire::cursor>& saved);

  [[nodiscard]] bool careful() const { return careful_; }
  // How many earlier lives ended while this record was on trial.
  [[nodiscard]] std::uint32_t deaths(const wire::cursor& record) const;

  // Blocking; for a worker. They may run while the two above are called.
  result<void> begin_trial(const wire::cursor& record);
  // No record can be blamed for what happens next: an orderly end, or nothing is being handled.
  result<void> end_trial() { return file_.write({}, false); }

 private:
  struct note {
    wire::cursor position;     // where the life began, or the record on trial
    std::uint32_t trials = 0;  // lives that tried it; 0: where the life began
  };
  explicit crash_guard(queue::slot_file opened) : file_(std::move(opened)) {}
  static bytes encode(const note& what);
  static std::optional<note> decode(bytes_view in);

  queue::slot_file file_;
  note earlier_;
  bool careful_ = false;
};

}  // namespace linkd::link

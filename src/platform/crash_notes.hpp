#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mqtt_linkd/ports/crash_journal.hpp"
#include "mqtt_linkd/result.hpp"

namespace linkd::platform {

// The crash_journal of a process: a file to which the handler of the deadly signals (SIGSEGV,
// SIGBUS, SIGILL, SIGFPE, SIGABRT) adds a note, before the process dies of the signal as it would
// have without (link/STATE.md, "crashes"). It covers the thread that made the object; a crash of
// another one is no record's fault. One object at a time in a process.
class crash_notes final : public crash_journal {
 public:
  // Reads the notes at `path`, keeps the last limits::crash_notes_max, creates the file if it is
  // absent. Blocking.
  explicit crash_notes(const std::string& path);
  ~crash_notes() override;
  crash_notes(const crash_notes&) = delete;
  crash_notes& operator=(const crash_notes&) = delete;

  // Why notes cannot be read or written: then crashes are forgotten.
  [[nodiscard]] const std::optional<error>& failure() const { return failure_; }

  void take(const queue_records& in_hand) override;
  void put_down() override;
  [[nodiscard]] const std::vector<queue_records>& crashes() const override { return crashes_; }

 private:
  result<void> open(const std::string& path);

  std::vector<queue_records> crashes_;
  std::optional<error> failure_;
};

}  // namespace linkd::platform

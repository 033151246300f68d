#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace linkd::test {

struct process_settings {
  std::vector<std::string> arguments;    // the program first; without '/': looked up in $PATH
  std::vector<std::string> environment;  // NAME=VALUE, added to ours
  std::filesystem::path output;          // stdout and stderr are appended here
};

// A child process. It dies with this object, and with the test program whatever becomes of that.
// Used by one thread, which must live as long as the child.
class process {
 public:
  explicit process(const process_settings& settings);  // throws std::system_error
  ~process();                                          // SIGKILL if it still runs
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running();
  // No effect once the process has ended.
  void signal(int number);
  // The exit code, 128 + n after signal n, 127 if the program could not be executed; nothing if it
  // still runs when `patience` is over.
  std::optional<int> wait(std::chrono::milliseconds patience);
  // Resident memory now and at its highest (/proc/PID/status VmRSS, VmHWM); 0 once it has ended.
  [[nodiscard]] std::size_t resident_bytes() const;
  [[nodiscard]] std::size_t resident_bytes_peak() const;

 private:
  void reap(int flags);

  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

// Runs a program to its end. Throws std::runtime_error if it takes longer than `patience`.
struct finished_process {
  int exit_code;
  std::string output;
};
finished_process run(const std::vector<std::string>& arguments,
                     const std::vector<std::string>& environment = {},
                     std::chrono::milliseconds patience = std::chrono::seconds(20));

}  // namespace linkd::test

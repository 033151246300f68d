#pragma once

#include <atomic>
#include <cstdio>
#include <memory>

#include "mqtt_linkd/ports/log.hpp"

namespace spdlog {
class logger;
}

namespace linkd::platform {

// Whether what is written to `fd` goes to the journal (systemd.exec(5), $JOURNAL_STREAM).
bool is_journal(int fd);

// The log on a stream, stderr in the daemon: lines as format_line() makes them, with the priority
// prefix of sd-daemon(3) where the journal reads along. Any thread.
class spdlog_logger : public logger {
 public:
  // `out` must outlive the logger.
  explicit spdlog_logger(const log_settings& settings, std::FILE* out = stderr);
  ~spdlog_logger() override;

  void write(log_level level, std::string_view event, std::string_view link,
             std::string_view text) override;
  // From now on.
  void configure(const log_settings& settings);

 private:
  std::unique_ptr<spdlog::logger> out_;
  std::atomic<log_format> format_;
  bool journal_;
};

}  // namespace linkd::platform

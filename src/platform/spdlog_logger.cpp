#include "platform/spdlog_logger.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>

#include <cstdlib>
#include <string>

#include "platform/log_line.hpp"

namespace linkd::platform {

namespace {

class stream_sink : public spdlog::sinks::stdout_sink_base<spdlog::details::console_mutex> {
 public:
  using stdout_sink_base::stdout_sink_base;
};

spdlog::level::level_enum spdlog_level(log_level level) {
  switch (level) {
    case log_level::trace:
      return spdlog::level::trace;
    case log_level::debug:
      return spdlog::level::debug;
    case log_level::info:
      return spdlog::level::info;
    case log_level::warning:
      return spdlog::level::warn;
    case log_level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string_view priority_prefix(log_level level) {
  switch (level) {
    case log_level::trace:
    case log_level::debug:
      return "<7>";
    case log_level::info:
      return "<6>";
    case log_level::warning:
      return "<4>";
    case log_level::error:
      return "<3>";
  }
  return "<3>";
}

}  // namespace

bool is_journal(int fd) {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat found {};
  if (stream == nullptr || ::fstat(fd, &found) != 0) return false;
  return stream == std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino);
}

spdlog_logger::spdlog_logger(const log_settings& settings, std::FILE* out)
    : out_(std::make_unique<spdlog::logger>("", std::make_shared<stream_sink>(out))),
      journal_(is_journal(::fileno(out))) {
  out_->set_pattern("%v");
  configure(settings);
}

spdlog_logger::~spdlog_logger() = default;

void spdlog_logger::write(log_level level, std::string_view event, std::string_view link,
                          std::string_view text) {
  const auto spdlog_name = spdlog_level(level);
  if (!out_->should_log(spdlog_name)) return;
  std::string line(journal_ ? priority_prefix(level) : "");
  line += format_line(format_, {std::chrono::system_clock::now(), level, event, link, text});
  out_->log(spdlog_name, line);
}

void spdlog_logger::configure(const log_settings& settings) {
  format_ = settings.format;
  out_->set_level(spdlog_level(settings.level));
}

}  // namespace linkd::platform

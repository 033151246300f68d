#pragma once

#include <map>
#include <string>
#include <vector>

#include "mqtt_linkd/ports/log.hpp"
#include "mqtt_linkd/settings.hpp"
#include "mqtt_linkd/time.hpp"

namespace linkd::daemon {

inline constexpr std::chrono::days expiry_warning_time{14};

// The files with certificates that the configuration names, each once.
std::vector<std::string> certificate_files(const daemon_settings& daemon,
                                           const std::vector<link_settings>& links);

// Knows when the certificates in use end, and warns expiry_warning_time ahead, once a day a file.
class certificates {
 public:
  // `log` must outlive this.
  explicit certificates(logger& log) : log_(log) {}
  // Reads these files, if the last time was an hour ago or they are others than then, or if
  // `again`.
  void check(const std::vector<std::string>& files, stamp now, bool again);
  // notAfter by file; what cannot be read is not in it.
  [[nodiscard]] const std::map<std::string, stamp>& expiries() const { return expiries_; }

 private:
  void warn(const std::string& file, stamp expiry, stamp now);

  logger& log_;
  std::vector<std::string> files_;
  std::map<std::string, stamp> expiries_;
  std::map<std::string, stamp> warned_at_;
  stamp next_check_{};
};

}  // namespace linkd::daemon

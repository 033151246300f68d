#include "daemon/certificates.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include "net/certificate.hpp"

namespace linkd::daemon {
namespace {

constexpr std::chrono::hours check_interval{1};
constexpr std::chrono::days warning_interval{1};

}  // namespace

std::vector<std::string> certificate_files(const daemon_settings& daemon,
                                           const std::vector<link_settings>& links) {
  std::set<std::string> files;
  const auto add = [&](const tls_settings& tls) {
    for (const std::string& file : {tls.ca_file, tls.cert_file}) {
      if (!file.empty()) files.insert(file);
    }
  };
  add(daemon.broker.tls);
  if (daemon.listen) add(daemon.listen->tls);
  for (const link_settings& each : links) add(each.tls);
  return {files.begin(), files.end()};
}

void certificates::check(const std::vector<std::string>& files, stamp now, bool again) {
  if (!again && files == files_ && now < next_check_) return;
  files_ = files;
  next_check_ = now + check_interval;
  expiries_.clear();
  for (const std::string& file : files) {
    const auto expiry = net::first_expiry(file);
    if (!expiry) continue;  // who needs the file says so
    expiries_.emplace(file, *expiry);
    if (*expiry - now < expiry_warning_time) warn(file, *expiry, now);
  }
}

void certificates::warn(const std::string& file, stamp expiry, stamp now) {
  const auto [last, first_time] = warned_at_.try_emplace(file, now);
  if (!first_time && now - last->second < warning_interval) return;
  last->second = now;
  const auto days = std::chrono::floor<std::chrono::days>(expiry - now).count();
  log_.write(log_level::warning, "certificate_expires", "",
             days < 0 ? file + " has expired: replace it"
                      : file + " expires in " + std::to_string(days) + " days: replace it");
}

}  // namespace linkd::daemon

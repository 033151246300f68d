#include "transport/refusal_log.hpp"

namespace linkd::transport {

void refusal_log::note(const std::string& link, std::string_view why) {
  ++total_;
  episode& current = episodes_[link];
  const auto now = std::chrono::steady_clock::now();
  if (now < current.quiet_until) {
    ++current.untold;
    return;
  }
  std::string text = what_;
  text += why;
  if (current.untold > 0) text += " (and " + std::to_string(current.untold) + " before)";
  current = {now + quiet, 0};
  log_.write(log_level::warning, event_, link, text);
}

}  // namespace linkd::transport

#include "live/local_filter.hpp"

#include "mqtt_linkd/limits.hpp"
#include "topic/levels.hpp"
#include "topic/topic.hpp"

namespace linkd::live {
namespace {

constexpr std::string_view default_client_prefix = "mqtt-linkd-";

// True if `text` is this first level with something behind it, which stays.
bool take_first_level(std::string_view& text, std::string_view level) {
  if (!text.starts_with(level) || text.size() <= level.size() || text[level.size()] != '/') {
    return false;
  }
  text.remove_prefix(level.size() + 1);
  return true;
}

std::string_view without_group(std::string_view text) {
  if (take_first_level(text, "$share")) {
    const auto slash = text.find('/');
    if (slash != std::string_view::npos) text.remove_prefix(slash + 1);
  } else if (!take_first_level(text, "$queue")) {
    take_first_level(text, "$exclusive");
  }
  return text;
}

bool is_below(std::string_view filter, std::string_view prefix) {
  return filter.starts_with(prefix) &&
         (filter.size() == prefix.size() || filter[prefix.size()] == '/');
}

// The longest beginning, in whole levels, that can have `/#` behind it; otherwise everything.
std::string cut(std::string_view text) {
  std::string beginning;
  std::string best = "#";
  std::size_t count = 0;
  for (topic::levels level(text); !level.done() && ++count < limits::topic_levels_max;
       level.advance()) {
    if (count > 1) beginning += '/';
    beginning += *level;
    if (*level == "#" || !topic::check_filter(beginning + "/#")) break;
    best = beginning + "/#";
  }
  return best;
}

}  // namespace

std::optional<std::string> local_filter(std::string_view subscribed,
                                        std::string_view control_prefix) {
  const std::string_view filter = without_group(subscribed);
  if (is_below(filter, "$SYS") || is_below(filter, control_prefix)) return std::nullopt;
  return topic::check_filter(filter) ? std::string(filter) : cut(filter);
}

bool is_linkd_client(std::string_view client_id, std::string_view our_client_id) {
  return client_id.starts_with(default_client_prefix) || client_id == our_client_id ||
         (client_id.starts_with(our_client_id) && client_id[our_client_id.size()] == ':');
}

}  // namespace linkd::live

#pragma once

#include <string_view>

#include "mqtt_linkd/settings.hpp"

namespace linkd {

// The only door to the log. `event` is a stable lower_case name that operators search for; `link`
// is empty where no link is concerned; `text` is one line for people, without secrets.
class logger {
 public:
  virtual ~logger() = default;
  virtual void write(log_level level, std::string_view event, std::string_view link,
                     std::string_view text) = 0;
};

}  // namespace linkd

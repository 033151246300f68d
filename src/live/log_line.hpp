#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// What mosquitto says in its log topics about clients and their subscriptions (live/MOSQUITTO.md).
// A client id or filter may contain anything, so a line can be read in several ways: all of them
// are told. Pure.
namespace linkd::live {

// `$SYS/broker/log/<kind>`
enum class log_kind { notice, subscribe, unsubscribe };

struct subscription {
  std::string client, filter;
  bool operator==(const subscription&) const = default;
};
// `filter` of a line that was cut covers what was subscribed to. No reading: not to be understood.
struct subscribed_line {
  std::vector<subscription> readings;
};
struct unsubscribed_line {
  std::vector<subscription> readings;
};
struct connected_line {
  struct reading {
    std::string client;
    bool mqtt5 = false, clean = false;
  };
  std::vector<reading> readings;
};
// `orderly`: the text is only written about a client that was connected; otherwise somebody may
// just have tried to connect with its name.
struct ended_line {
  struct reading {
    std::string client;
    bool orderly = false;
  };
  std::vector<reading> readings;
};
struct expired_line {
  std::string client;
};
// Messages to this client are dropped, its queue is full.
struct dropping_line {
  std::string client;
};
using log_line = std::variant<std::monostate, subscribed_line, unsubscribed_line, connected_line,
                              ended_line, expired_line, dropping_line>;

// The kind of a log topic, if it is one we read.
std::optional<log_kind> log_kind_of(std::string_view topic);
// std::monostate: about something else.
log_line parse_log_line(log_kind kind, std::string_view payload);

}  // namespace linkd::live

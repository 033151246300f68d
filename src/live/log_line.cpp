#include "live/log_line.hpp"

#include <algorithm>

namespace linkd::live {
namespace {

constexpr std::size_t line_bytes_max = 999;  // the buffer of mosquitto's log has 1,000
constexpr std::size_t readings_max = 32;     // a line with more is not read at all

// "1795361914: ", or whatever of digits and separators log_timestamp_format makes of it.
std::string_view without_timestamp(std::string_view text) {
  const auto colon = text.find(": ");
  if (colon == std::string_view::npos || colon == 0) return text;
  const auto stamp = text.substr(0, colon);
  const bool plain = stamp.find_first_not_of("0123456789-:.+TZ/ ") == std::string_view::npos &&
                     stamp.find_first_of("0123456789") == 0;
  return plain ? text.substr(colon + 2) : text;
}

bool take_front(std::string_view& text, std::string_view front) {
  if (!text.starts_with(front)) return false;
  text.remove_prefix(front.size());
  return true;
}

bool take_back(std::string_view& text, std::string_view back) {
  if (!text.ends_with(back)) return false;
  text.remove_suffix(back.size());
  return true;
}

// A filter that may go on behind the end of the line.
std::string covering(std::string_view begun) {
  const auto slash = begun.rfind('/');
  return slash == std::string_view::npos ? "#" : std::string(begun.substr(0, slash)) + "/#";
}

void add_reading(std::vector<subscription>& to, std::string_view client, std::string_view filter,
                 bool was_cut) {
  if (client.empty() || filter.empty()) return;
  to.push_back({std::string(client), was_cut ? covering(filter) : std::string(filter)});
}

// "<client id> <granted qos> <filter>"
subscribed_line parse_subscribed(std::string_view text, bool was_cut) {
  subscribed_line line;
  for (std::size_t at = text.find(' '); at != std::string_view::npos; at = text.find(' ', at + 1)) {
    const auto rest = text.substr(at);
    if (rest.size() < 4 || rest[1] < '0' || rest[1] > '2' || rest[2] != ' ') continue;
    add_reading(line.readings, text.substr(0, at), rest.substr(3), was_cut);
  }
  if (line.readings.size() > readings_max) line.readings.clear();
  return line;
}

// "<client id> <filter>"
unsubscribed_line parse_unsubscribed(std::string_view text, bool was_cut) {
  unsubscribed_line line;
  for (std::size_t at = text.find(' '); at != std::string_view::npos; at = text.find(' ', at + 1)) {
    add_reading(line.readings, text.substr(0, at), text.substr(at + 1), was_cut);
    if (line.readings.size() > readings_max) return {};
  }
  return line;
}

// "p5, c1, k60" and perhaps ", u'name'"
std::optional<connected_line::reading> parse_flags(std::string_view flags) {
  if (flags.size() < 9 || flags[0] != 'p' || flags.substr(2, 3) != ", c" ||
      flags.substr(6, 3) != ", k") {
    return std::nullopt;
  }
  const char clean = flags[5];
  if (clean != '0' && clean != '1') return std::nullopt;
  auto rest = flags.substr(9);
  rest.remove_prefix(std::min(rest.find_first_not_of("0123456789"), rest.size()));
  const bool whole =
      rest.empty() || (rest.size() >= 5 && rest.starts_with(", u'") && rest.ends_with('\''));
  if (!whole) return std::nullopt;
  return connected_line::reading{{}, flags[1] == '5', clean == '1'};
}

// "<address>:<port> as <client id> (p5, c1, k60).", behind "New client connected from "
connected_line parse_connected(std::string_view text) {
  connected_line line;
  const auto as = text.find(" as ");
  if (as == std::string_view::npos || !take_back(text, ").")) return line;
  const auto rest = text.substr(as + 4);
  for (std::size_t at = rest.find(" (p"); at != std::string_view::npos;
       at = rest.find(" (p", at + 1)) {
    auto reading = parse_flags(rest.substr(at + 2));
    if (!reading || at == 0) continue;
    reading->client = rest.substr(0, at);
    line.readings.push_back(*std::move(reading));
  }
  return line;
}

struct ending {
  std::string_view text;
  bool orderly;
};
// What follows the client id; mosquitto 2.1 puts " [address]" between.
constexpr ending endings[] = {
    {" closed its connection.", true},
    {" has exceeded timeout, disconnecting.", true},
    {" been disconnected by administrative action.", true},
    {" disconnected.", true},
    {" disconnected: session taken over.", true},
    {" disconnected: connection closed by client.", true},
    {" disconnected: exceeded timeout.", true},
    {" disconnected: ", false},
    {" disconnected due to ", false},
    {" disconnected, not authorised.", false},
};

std::string_view without_address(std::string_view client) {
  const auto bracket = client.rfind(" [");
  const bool has_one = bracket != std::string_view::npos && client.ends_with(']');
  return has_one ? client.substr(0, bracket) : client;
}

// Behind "Client "
ended_line parse_ended(std::string_view text) {
  ended_line line;
  const auto add = [&](std::string_view client, bool orderly) {
    if (client.empty()) return;
    const auto same = std::ranges::find(line.readings, client, &ended_line::reading::client);
    if (same == line.readings.end()) line.readings.push_back({std::string(client), orderly});
  };
  for (const auto& [ending, orderly] : endings) {
    for (std::size_t at = text.find(ending); at != std::string_view::npos;
         at = text.find(ending, at + 1)) {
      if (ending.ends_with('.') && at + ending.size() != text.size()) continue;
      const auto client = text.substr(0, at);
      add(without_address(client), orderly);
      if (without_address(client) != client) add(client, orderly);
    }
  }
  return line;
}

log_line parse_notice(std::string_view text) {
  if (take_front(text, "New client connected from ")) return parse_connected(text);
  if (take_front(text, "Expiring client ")) {
    if (take_back(text, " due to timeout.")) return expired_line{std::string(text)};
    return {};
  }
  if (take_front(text, "Outgoing messages are being dropped for client ")) {
    if (take_back(text, ".")) return dropping_line{std::string(text)};
    return {};
  }
  if (take_front(text, "Bad socket read/write on client ")) {
    const auto colon = text.find(": ");
    if (colon == std::string_view::npos) return {};
    return ended_line{{{std::string(text.substr(0, colon)), false}}};
  }
  if (!take_front(text, "Client ")) return {};
  auto line = parse_ended(text);
  if (line.readings.empty()) return {};
  return line;
}

}  // namespace

std::optional<log_kind> log_kind_of(std::string_view topic) {
  if (!take_front(topic, "$SYS/broker/log/")) return std::nullopt;
  if (topic == "N") return log_kind::notice;
  if (topic == "M/subscribe") return log_kind::subscribe;
  if (topic == "M/unsubscribe") return log_kind::unsubscribe;
  return std::nullopt;
}

log_line parse_log_line(log_kind kind, std::string_view payload) {
  const bool was_cut = payload.size() >= line_bytes_max;
  const auto text = without_timestamp(payload);
  switch (kind) {
    case log_kind::notice:
      return parse_notice(text);
    case log_kind::subscribe:
      return parse_subscribed(text, was_cut);
    case log_kind::unsubscribe:
      return parse_unsubscribed(text, was_cut);
  }
  return {};
}

}  // namespace linkd::live

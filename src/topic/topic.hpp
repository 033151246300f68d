#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mqtt_linkd/result.hpp"

// Topic names and topic filters as values (MQTT 5, section 4.7). Every function but the check_*
// ones takes names and filters that passed them. An empty level is a level; `#` includes its
// parent; a name that begins with `$` is never matched by a filter that begins with a wildcard. Of
// two filters that match the same names the answers hold the shorter: `#`, not `+/#`; `/#`, not
// `/+/#` (no name is empty).
namespace linkd::topic {

// Valid UTF-8 without NUL, 1 to topic_bytes_max bytes, at most topic_levels_max levels, no
// wildcard. The error says which rule was broken. Control characters are allowed here.
result<void> check_name(std::string_view name);
// The same rules, `+` and `#` only as whole levels, `#` only last. `$share/...` is refused.
result<void> check_filter(std::string_view filter);

// `+` or `#` anywhere in any text. (Two searches for one character each: find_first_of makes one
// for each character of the text, which was a tenth of what a message costs.)
inline bool has_wildcard(std::string_view text) {
  return text.find('+') != text.npos || text.find('#') != text.npos;
}

bool matches(std::string_view filter, std::string_view name);
// Every name that `narrow` matches is matched by `wide`.
bool covers(std::string_view wide, std::string_view narrow);
// The filter that matches exactly the names both match, or none. None too where it would be longer
// than topic_bytes_max.
std::optional<std::string> intersect(std::string_view a, std::string_view b);
// All intersections of one filter with a list, as a minimal union: 0..n filters.
std::vector<std::string> intersect(std::string_view filter, const std::vector<std::string>& list);
// The narrowest single filter that covers both (it may match more than both). None if they differ
// in the first level and one begins with `$`: no wildcard covers that.
std::optional<std::string> join(std::string_view a, std::string_view b);

// The filter itself if it has at most `levels_max` levels before a `#` and `bytes_max` bytes;
// otherwise the longest beginning that does, with `/#` behind: that covers it. A first level that
// begins with `$` stays, whatever its length: no wildcard covers that.
std::string shorten(std::string_view filter, std::size_t levels_max, std::size_t bytes_max);

// Without what another filter covers; sorted. Partial overlaps stay.
std::vector<std::string> minimal_union(std::vector<std::string> filters);
// Widens a minimal union until no two filters overlap, for brokers that deliver one copy per
// overlapping filter and do not say by which; sorted.
std::vector<std::string> disjoint_cover(std::vector<std::string> filters);

}  // namespace linkd::topic

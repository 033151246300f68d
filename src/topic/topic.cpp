#include "topic/topic.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/utf8.hpp"
#include "mqtt_linkd/limits.hpp"
#include "topic/filter_trie.hpp"
#include "topic/levels.hpp"

namespace linkd::topic {
namespace {

bool is_wildcard(std::string_view level) {
  return level == "+" || level == "#";
}

// What names and filters have in common.
result<void> check_text(std::string_view text) {
  if (text.empty()) return error{errc::invalid, "is empty"};
  if (text.size() > limits::topic_bytes_max) {
    return error{errc::too_large,
                 "is longer than " + std::to_string(limits::topic_bytes_max) + " bytes"};
  }
  const auto slashes = static_cast<std::size_t>(std::count(text.begin(), text.end(), '/'));
  if (slashes + 1 > limits::topic_levels_max) {
    return error{errc::too_large,
                 "has more than " + std::to_string(limits::topic_levels_max) + " levels"};
  }
  if (text.find('\0') != text.npos) return error{errc::invalid, "contains a NUL character"};
  if (!is_utf8(text)) return error{errc::invalid, "is not valid UTF-8"};
  return {};
}

// The short spelling of what spelled_out() answers.
std::string canonical(std::string filter) {
  if (filter == "+/#") return "#";
  if (filter == "/+/#") return "/#";
  return filter;
}

void sort_unique(std::vector<std::string>& filters) {
  std::sort(filters.begin(), filters.end());
  filters.erase(std::unique(filters.begin(), filters.end()), filters.end());
}

void append_level(std::string& filter, bool first, std::string_view level) {
  if (!first) filter += '/';
  filter += level;
}

}  // namespace

result<void> check_name(std::string_view name) {
  if (auto checked = check_text(name); !checked) return checked;
  if (has_wildcard(name)) {
    return error{errc::invalid, "contains a wildcard: a topic name must not"};
  }
  return {};
}

result<void> check_filter(std::string_view filter) {
  if (auto checked = check_text(filter); !checked) return checked;
  if (filter.starts_with("$share/")) {
    return error{errc::invalid, "is a shared subscription: use the filter behind its group"};
  }
  for (levels level(filter); !level.done(); level.advance()) {
    if (*level == "#" && !level.next().done()) {
      return error{errc::invalid, "has a level behind '#'"};
    }
    if (!is_wildcard(*level) && has_wildcard(*level)) {
      return error{errc::invalid, "has a wildcard that is not a whole level"};
    }
  }
  return {};
}

// A name is the filter that matches just it.
bool matches(std::string_view filter, std::string_view name) {
  return covers(filter, name);
}

bool covers(std::string_view wide, std::string_view narrow) {
  levels w(wide);
  levels n(spelled_out(narrow));
  if (is_reserved(narrow) && is_wildcard(*w)) return false;
  for (; !w.done(); w.advance(), n.advance()) {
    if (*w == "#") return true;
    if (n.done() || *n == "#") return false;
    if (*w != "+" && *w != *n) return false;
  }
  return n.done();
}

std::optional<std::string> intersect(std::string_view a, std::string_view b) {
  levels x(spelled_out(a));
  levels y(spelled_out(b));
  if (is_reserved(a) && is_wildcard(*y)) return std::nullopt;
  if (is_reserved(b) && is_wildcard(*x)) return std::nullopt;
  std::string both;
  for (bool first = true; !x.done() || !y.done(); first = false) {
    const bool x_open = !x.done() && *x == "#";
    const bool y_open = !y.done() && *y == "#";
    if (x_open && y.done()) break;  // `#` includes its parent
    if (y_open && x.done()) break;
    if (x.done() || y.done()) return std::nullopt;
    if (x_open && y_open) {
      append_level(both, first, "#");
      break;
    }
    // Against `#` the other filter goes on as it is, against `+` for one level.
    const bool take_y = x_open || (!y_open && *x == "+");
    if (!take_y && !y_open && *y != "+" && *x != *y) return std::nullopt;
    append_level(both, first, take_y ? *y : *x);
    if (!x_open) x.advance();
    if (!y_open) y.advance();
  }
  if (both.size() > limits::topic_bytes_max) return std::nullopt;
  return canonical(std::move(both));
}

std::vector<std::string> intersect(std::string_view filter, const std::vector<std::string>& list) {
  std::vector<std::string> parts;
  for (const auto& other : list) {
    if (auto part = intersect(filter, other)) parts.push_back(*std::move(part));
  }
  if (parts.size() < 2) return parts;
  return minimal_union(std::move(parts));
}

std::optional<std::string> join(std::string_view a, std::string_view b) {
  levels x(spelled_out(a));
  levels y(spelled_out(b));
  if (*x != *y && (is_reserved(a) || is_reserved(b))) return std::nullopt;
  std::string wide;
  for (bool first = true; !x.done() || !y.done(); first = false, x.advance(), y.advance()) {
    if (x.done() || y.done() || *x == "#" || *y == "#") {
      append_level(wide, first, "#");
      break;
    }
    append_level(wide, first, *x == *y ? *x : "+");
  }
  // `+` in the place of empty levels can make the join longer than both.
  while (wide.size() > limits::topic_bytes_max) {
    wide.resize(wide.rfind('/', wide.rfind('/') - 1));
    wide += "/#";
  }
  return canonical(std::move(wide));
}

std::string shorten(std::string_view filter, std::size_t levels_max, std::size_t bytes_max) {
  std::size_t count = 0, end = 0;   // levels before `#`, bytes of them
  std::optional<std::size_t> kept;  // bytes of the beginning that `/#` can follow
  for (levels level(filter); !level.done() && *level != "#"; level.advance()) {
    if (count > 0) ++end;
    end += (*level).size();
    ++count;
    const bool fits = count <= levels_max && end + 2 <= bytes_max;
    if (fits || (count == 1 && is_reserved(filter))) kept = end;
  }
  if (count <= levels_max && filter.size() <= bytes_max) return std::string(filter);
  if (!kept) return "#";
  return canonical(std::string(filter.substr(0, *kept)) + "/#");
}

std::vector<std::string> minimal_union(std::vector<std::string> filters) {
  for (auto& filter : filters) filter = canonical(std::move(filter));
  sort_unique(filters);
  filter_trie<std::size_t> trie;
  for (std::size_t i = 0; i < filters.size(); ++i) trie.insert(filters[i], i);
  std::vector<std::string> minimal;
  std::vector<std::size_t> covering;
  for (auto& filter : filters) {
    covering.clear();
    trie.match(filter, covering);
    if (covering.size() == 1) minimal.push_back(std::move(filter));  // by itself only
  }
  return minimal;
}

std::vector<std::string> disjoint_cover(std::vector<std::string> filters) {
  filters = minimal_union(std::move(filters));
  filter_trie<std::size_t> disjoint;  // indices of `filters`
  std::vector<std::size_t> overlapping;
  for (std::size_t i = 0; i < filters.size(); ++i) {
    // Every round removes a filter from the trie, so this ends.
    for (;;) {
      overlapping.clear();
      disjoint.overlap(filters[i], overlapping);
      if (overlapping.empty()) break;
      for (const std::size_t other : overlapping) {
        disjoint.erase(filters[other], other);
        // Filters that overlap never differ by a `$`, so there is always a join.
        filters[i] = join(filters[i], filters[other]).value();
        filters[other].clear();
      }
    }
    disjoint.insert(filters[i], i);
  }
  std::erase(filters, "");
  std::sort(filters.begin(), filters.end());
  return filters;
}

}  // namespace linkd::topic

#include "config/section.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "config/files.hpp"
#include "config/values.hpp"

namespace linkd::config {
namespace {

constexpr std::size_t password_bytes_max = 65535;  // MQTT 5, section 1.5.6
constexpr std::size_t path_bytes_max = 4095;
constexpr std::size_t misspelled_bytes_max = 32;  // longer words get no suggestion

// Levenshtein distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0u);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known) {
  if (word.size() > misspelled_bytes_max || known.empty()) return "";
  const auto nearest = std::ranges::min(
      known, {}, [&](std::string_view candidate) { return distance(word, candidate); });
  const std::size_t tolerated = std::min<std::size_t>(2, word.size() / 2);
  if (distance(word, nearest) > tolerated) return "";
  return "; did you mean " + std::string(nearest) + "?";
}

}  // namespace

void section::flag(std::string_view key, bool& out) {
  std::string value;
  if (!take_text(key, value, path_bytes_max)) return;
  if (value != "true" && value != "false") {
    error(key, "must be true or false, not " + in_quotes(value));
    return;
  }
  out = value == "true";
}

void section::text(std::string_view key, std::string& out, std::size_t bytes_max) {
  take_text(key, out, bytes_max);
}

// Not by take_text: a password may hold what a line may not, and messages must not quote it.
void section::password(std::string_view key, secret& out) {
  const node* value = scalar(key);
  if (value == nullptr) return;
  const auto expanded = expand_environment(value->text);
  if (!expanded) {
    error(key, expanded.error().text);
  } else if (expanded->size() > password_bytes_max) {
    error(key, "must have at most 65535 bytes");
  } else if (valid_text_bytes(*expanded) < expanded->size()) {
    error(key, "must be UTF-8 text without NUL");
  } else {
    out = secret(*expanded);
  }
}

void section::size(std::string_view key, std::uint64_t& out, std::uint64_t min, std::uint64_t max) {
  std::string value;
  if (!take_text(key, value, path_bytes_max)) return;
  const auto parsed = parse_size(value);
  if (!parsed) {
    error(key, parsed.error().text);
  } else if (*parsed < min || *parsed > max) {
    error(key, "must be from " + size_text(min) + " to " + size_text(max));
  } else {
    out = *parsed;
  }
}

void section::duration(std::string_view key, seconds& out, seconds min, seconds max) {
  std::string value;
  if (!take_text(key, value, path_bytes_max)) return;
  const auto parsed = parse_duration(value);
  if (!parsed) {
    error(key, parsed.error().text);
  } else if (*parsed < min || *parsed > max) {
    error(key, "must be from " + duration_text(min) + " to " + duration_text(max));
  } else if (*parsed % seconds(1) != milliseconds(0)) {
    error(key, "must be whole seconds");
  } else {
    out = std::chrono::duration_cast<seconds>(*parsed);
  }
}

void section::server(std::string_view key, server_address& out, std::span<const scheme> allowed) {
  std::string value;
  if (!take_text(key, value, path_bytes_max)) return;
  const auto parsed = parse_server(value, allowed);
  if (parsed) {
    out = *parsed;
  } else {
    error(key, parsed.error().text);
  }
}

void section::servers(std::string_view key, std::vector<server_address>& out,
                      std::span<const scheme> allowed) {
  const node* value = find(key);
  if (value == nullptr || value->type != node::kind::list) {
    server_address alone;
    server(key, alone, allowed);
    if (!alone.host.empty()) out = {alone};
    return;
  }
  std::vector<item> items;
  list(key, items);
  std::vector<server_address> parsed;
  for (const item& each : items) {
    const auto address = parse_server(each.text, allowed);
    if (!address) {
      error(each, address.error().text);
    } else if (std::ranges::find(parsed, *address) != parsed.end()) {
      error(each, "is in the list already");
    } else {
      parsed.push_back(*address);
    }
  }
  out = std::move(parsed);
}

void section::path(std::string_view key, std::string& out) {
  std::string value;
  if (take_text(key, value, path_bytes_max)) out = out_.resolve(value);
}

void section::readable_file(std::string_view key, std::string& out) {
  if (!has(key)) return;
  path(key, out);
  if (out.empty()) return;
  const auto checked = check_readable_file(out);
  if (!checked) error(key, in_quotes(out) + " " + checked.error().text);
}

void section::secret_file(std::string_view key, std::string& out) {
  if (!has(key)) return;
  path(key, out);
  if (out.empty()) return;
  const auto checked = check_secret_file(out);
  if (!checked) error(key, in_quotes(out) + " " + checked.error().text);
}

bool section::list(std::string_view key, std::vector<item>& out) {
  const node* value = find(key);
  if (value == nullptr || value->type == node::kind::null) return false;
  if (!expect(*value, key, node::kind::list, "must be a list: [a, b]")) return false;
  for (std::size_t i = 0; i < value->items.size(); ++i) {
    const node& each = value->items[i];
    item fresh{{}, each.at, path_of(key) + "[" + std::to_string(i) + "]"};
    if (each.type != node::kind::scalar) {
      error(fresh, "must be text");
    } else if (clean_text(each, fresh.path, fresh.text, std::numeric_limits<std::size_t>::max())) {
      out.push_back(std::move(fresh));
    }
  }
  return true;
}

bool section::has(std::string_view key) {
  const node* value = find(key);
  return value != nullptr && value->type != node::kind::null &&
         !(value->type == node::kind::scalar && value->text.empty());
}

void section::require(std::string_view key) {
  if (!has(key)) out_.error(place(key), path_of(key), "is required");
}

void section::error(std::string_view key, std::string what) {
  out_.error(place(key), path_of(key), std::move(what));
}

void section::warning(std::string_view key, std::string what) {
  out_.warning(place(key), path_of(key), std::move(what));
}

void section::error(const item& where, std::string what) {
  out_.error(where.at, where.path, std::move(what));
}

position section::place(std::string_view key) {
  const node* value = find(key);
  return value == nullptr ? map_.at : value->at;
}

void section::reject_unknown_keys() {
  for (const entry& each : map_.entries) {
    if (std::ranges::find(known_, each.key) != known_.end()) continue;
    const std::string where = path_.empty() ? "" : " in " + path_;
    out_.error(each.at, "",
               "unknown key " + in_quotes(each.key) + where + suggestion(each.key, known_));
  }
}

const node* section::find(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.push_back(key);
  const auto found = std::ranges::find(map_.entries, key, &entry::key);
  return found == map_.entries.end() ? nullptr : &found->value;
}

const node* section::scalar(std::string_view key) {
  if (!has(key)) return nullptr;
  const node* value = find(key);
  return expect(*value, key, node::kind::scalar, "must be one value") ? value : nullptr;
}

bool section::expect(const node& value, std::string_view key, node::kind type, const char* what) {
  if (value.type == type) return true;
  error(key, what);
  return false;
}

bool section::take_text(std::string_view key, std::string& out, std::size_t bytes_max) {
  const node* value = scalar(key);
  return value != nullptr && clean_text(*value, path_of(key), out, bytes_max);
}

bool section::clean_text(const node& value, const std::string& path, std::string& out,
                         std::size_t bytes_max) {
  const auto expanded = expand_environment(value.text);
  std::string what;
  if (!expanded) {
    what = expanded.error().text;
  } else if (expanded->size() > bytes_max) {
    what = "must have at most " + std::to_string(bytes_max) + " bytes";
  } else if (has_control_characters(*expanded) || valid_text_bytes(*expanded) < expanded->size()) {
    what = "must be one line of UTF-8 text without control characters";
  } else {
    out = *expanded;
    return true;
  }
  out_.error(value.at, path, what);
  return false;
}

std::uint64_t section::integer_in(std::string_view key, std::uint64_t current, std::uint64_t min,
                                  std::uint64_t max) {
  std::string value;
  if (!take_text(key, value, path_bytes_max)) return current;
  const auto parsed = parse_integer(value);
  if (parsed && *parsed >= min && *parsed <= max) return *parsed;
  error(key, parsed ? "must be from " + std::to_string(min) + " to " + std::to_string(max)
                    : parsed.error().text);
  return current;
}

std::size_t section::index_of(std::string_view key, const std::vector<std::string_view>& names) {
  std::string value;
  if (!take_text(key, value, path_bytes_max)) return names.size();
  const auto found = std::ranges::find(names, value);
  if (found == names.end()) {
    std::string all;
    for (const auto name : names) all += (all.empty() ? "" : ", ") + std::string(name);
    error(key, "must be one of " + all + ", not " + in_quotes(value));
  }
  return static_cast<std::size_t>(found - names.begin());
}

std::string section::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

}  // namespace linkd::config

#include "config/values.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <optional>

#include "base/utf8.hpp"

namespace linkd::config {
namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::size_t quoted_bytes_max = 64;

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr unit duration_units[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
constexpr unit size_units[] = {
    {"TiB", 1ull << 40}, {"GiB", 1ull << 30}, {"MiB", 1ull << 20}, {"KiB", 1ull << 10}, {"", 1}};

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A number and a unit, with an optional space between; none if malformed or beyond `max`.
std::optional<std::uint64_t> parse_quantity(std::string_view text, std::span<const unit> units,
                                            std::uint64_t max) {
  const auto number_end = std::min(text.find_first_not_of(digits), text.size());
  const auto number = parse_number(text.substr(0, number_end));
  const auto found = std::ranges::find(units, text.substr(number_end), &unit::name);
  if (!number || found == units.end() || *number > max / found->factor) return std::nullopt;
  return *number * found->factor;
}

std::string quantity_text(std::uint64_t value, std::span<const unit> units) {
  const auto largest = std::ranges::find_if(
      units, [&](const unit& each) { return value != 0 && value % each.factor == 0; });
  const unit& chosen = largest == units.end() ? units.back() : *largest;
  return std::to_string(value / chosen.factor) + std::string(chosen.name);
}

bool only(std::string_view text, std::string_view set, std::string_view more) {
  return std::ranges::all_of(text, [&](char c) {
    return set.find(c) != std::string_view::npos || digits.find(c) != std::string_view::npos ||
           more.find(c) != std::string_view::npos;
  });
}

error invalid(std::string text) {
  return {errc::invalid, std::move(text)};
}

}  // namespace

result<milliseconds> parse_duration(std::string_view text) {
  constexpr std::uint64_t max = std::numeric_limits<std::int64_t>::max();
  const auto value = parse_quantity(text, duration_units, max);
  if (!value) {
    return invalid("must be a duration such as 500ms, 10s, 5m, 12h or 7d, not " + in_quotes(text));
  }
  return milliseconds(static_cast<std::int64_t>(*value));
}

result<std::uint64_t> parse_size(std::string_view text) {
  const auto value = parse_quantity(text, size_units, std::numeric_limits<std::uint64_t>::max());
  if (!value) {
    return invalid("must be a size such as 4096, 64KiB, 16MiB or 1GiB, not " + in_quotes(text));
  }
  return *value;
}

result<std::uint64_t> parse_integer(std::string_view text) {
  const auto value = parse_number(text);
  if (!value) return invalid("must be a whole number, not " + in_quotes(text));
  return *value;
}

result<std::string> expand_environment(std::string_view text) {
  std::string out;
  for (std::size_t at = 0;;) {
    const auto start = text.find("${", at);
    out += text.substr(at, start - at);
    if (start == std::string_view::npos) return out;
    const auto end = text.find('}', start);
    if (end == std::string_view::npos) return invalid("has a ${ without a }");
    const std::string name(text.substr(start + 2, end - start - 2));
    if (name.empty() || !only(name, letters, "_")) {
      return invalid("has ${ without the name of an environment variable behind it");
    }
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return invalid("the environment has no variable " + in_quotes(name));
    out += value;
    at = end + 1;
  }
}

std::string duration_text(seconds value) {
  return quantity_text(static_cast<std::uint64_t>(milliseconds(value).count()), duration_units);
}

std::string size_text(std::uint64_t bytes) {
  return quantity_text(bytes, size_units);
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text[0] != '-' && text[0] != '_' &&
         only(text, letters, "-_");
}

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::size_t valid_text_bytes(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && text[at] != '\0') {
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

std::string in_quotes(std::string_view text) {
  std::string out = "'";
  auto shown = std::min(text.size(), quoted_bytes_max);
  // Not in the middle of a character.
  while (shown < text.size() && shown > 0 && (text[shown] & 0xc0) == 0x80) --shown;
  for (const char c : text.substr(0, shown)) {
    if (has_control_characters({&c, 1})) {
      constexpr std::string_view hex = "0123456789abcdef";
      out += "\\x";
      out += hex[static_cast<unsigned char>(c) >> 4];
      out += hex[static_cast<unsigned char>(c) & 0xf];
    } else {
      out += c;
    }
  }
  return out + (shown < text.size() ? "...'" : "'");
}

}  // namespace linkd::config

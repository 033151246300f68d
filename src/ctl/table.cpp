#include "ctl/table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "config/values.hpp"

namespace linkd::ctl {
namespace {

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](unsigned char c) { return (c & 0xc0) != 0x80; }));
}

std::string_view escape_of(colour which) {
  switch (which) {
    case colour::good:
      return "\x1b[32m";
    case colour::warning:
      return "\x1b[33m";
    case colour::bad:
      return "\x1b[31m";
    case colour::dim:
      return "\x1b[2m";
    case colour::none:
      break;
  }
  return "";
}

std::string with_unit(double number, const char* unit) {
  char text[32];
  std::snprintf(text, sizeof(text),
                number < 10 && number != std::floor(number) ? "%.1f%s" : "%.0f%s", number, unit);
  return text;
}

// What of `text` fits into `width` columns.
std::string_view beginning(std::string_view text, std::size_t width) {
  std::size_t bytes = 0;
  while (bytes < text.size() && columns(text.substr(0, bytes + 1)) <= width) ++bytes;
  return text.substr(0, bytes);
}

constexpr std::string_view indent = "    ";

// The words of `text` in lines of at most `width` columns, each indented.
std::string wrapped(std::string_view text, std::size_t width) {
  std::string out(indent);
  std::size_t used = indent.size();
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    if (used > indent.size() && used + 1 + columns(word) > width) {
      out += '\n';
      out += indent;
      used = indent.size();
    }
    if (used > indent.size()) out += ' ', ++used;
    out += word;
    used += columns(word);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string padded(const cell& what, std::size_t width, bool coloured, bool last) {
  const std::string space(width - columns(what.text), ' ');
  const auto escape = coloured ? escape_of(what.colour) : std::string_view();
  std::string out = what.right ? space : "";
  out += escape;
  out += what.text;
  if (!escape.empty()) out += "\x1b[0m";
  if (!what.right && !last) out += space;
  return out;
}

}  // namespace

std::string harmless(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto valid = config::valid_text_bytes(text);
    for (const char c : text.substr(0, valid)) {
      const auto byte = static_cast<unsigned char>(c);
      out += byte < 0x20 || byte == 0x7f ? '?' : c;
    }
    if (valid < text.size()) out += '?';
    text.remove_prefix(std::min(valid + 1, text.size()));
  }
  // U+0080 to U+009F are control characters too.
  for (auto at = out.find('\xc2'); at != std::string::npos; at = out.find('\xc2', at + 1)) {
    if (at + 1 < out.size() && static_cast<unsigned char>(out[at + 1]) < 0xa0) {
      out.replace(at, 2, "?");
    }
  }
  return out;
}

std::string table::text(const screen& on) const {
  std::vector<std::vector<cell>> lines;
  if (!headings_.empty()) {
    auto& first = lines.emplace_back();
    for (const auto& each : headings_) first.push_back({each, colour::dim});
  }
  for (const auto& row : rows_) {
    auto& line = lines.emplace_back(row);
    for (cell& each : line) each.text = harmless(each.text);
  }
  std::vector<std::size_t> widths;
  for (const auto& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], columns(line[i].text));
    }
  }
  std::string out;
  for (const auto& line : lines) {
    std::size_t used = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const bool last = i + 1 == line.size();
      used += i > 0 ? 2 : 0;
      const bool wide = on.columns > 0 && used + columns(line[i].text) > on.columns;
      if (last && wide && on.cuts) {
        if (used < on.columns) {
          out += "  ";
          out += beginning(line[i].text, on.columns - used);
        }
        break;
      }
      if (last && wide && i > 0) {
        while (out.back() == ' ') out.pop_back();
        out += '\n' + wrapped(line[i].text, on.columns);
        break;
      }
      if (i > 0) out += "  ";
      out += padded(line[i], widths[i], on.coloured, last);
      used += widths[i];
    }
    out += '\n';
  }
  return out;
}

std::string bytes_text(double bytes) {
  const char* const units[] = {" B", " KiB", " MiB", " GiB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < std::size(units); ++unit) bytes /= 1024;
  return with_unit(bytes, units[unit]);
}

std::string number_text(double number) {
  return with_unit(number, "");
}

std::string duration_text(double seconds) {
  if (seconds < 0.001) return with_unit(seconds * 1e6, " us");
  if (seconds < 1) return with_unit(seconds * 1e3, " ms");
  if (seconds < 120) return with_unit(seconds, " s");
  if (seconds < 7'200) return with_unit(seconds / 60, " min");
  if (seconds < 172'800) return with_unit(seconds / 3'600, " h");
  return with_unit(seconds / 86'400, " d");
}

}  // namespace linkd::ctl

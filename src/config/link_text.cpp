#include "config/link_text.hpp"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cctype>

namespace linkd::config {
namespace {

constexpr std::size_t line_columns_max = 100;

// Whether YAML reads the text as it is, without quotation marks.
bool is_plain(std::string_view text) {
  constexpr std::array<std::string_view, 4> null_words{"null", "Null", "NULL", "~"};
  const auto harmless = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == '/';
  };
  return !text.empty() && std::isalnum(static_cast<unsigned char>(text.front())) != 0 &&
         std::ranges::all_of(text, harmless) &&
         std::ranges::find(null_words, text) == null_words.end();
}

std::string yaml_text(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  return boost::json::serialize(boost::json::value(text));  // JSON's texts are YAML's
}

std::string scalar_of(const node& value) {
  return value.type == node::kind::null ? "" : yaml_text(value.text);
}

std::string flow_list(const node& list) {
  std::string out = "[";
  for (const node& each : list.items) {
    if (out.size() > 1) out += ", ";
    out += scalar_of(each);
  }
  return out + "]";
}

// One key a line, from the first column, and nothing that ends the document.
bool is_editable(const std::string& text, const std::vector<entry>& entries) {
  int line = 0;
  for (const entry& each : entries) {
    if (each.at.column != 1 || each.at.line <= line) return false;
    line = each.at.line;
  }
  return !text.starts_with("...") && text.find("\n...") == std::string::npos;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at) + '\n');
    at = end + 1;
  }
  return lines;
}

bool is_comment(const std::string& line) {
  return line.starts_with('#') || line.find_first_not_of(" \t\r\n") == std::string::npos;
}

}  // namespace

std::string yaml_of(std::string_view key, const node& value, std::size_t indent) {
  std::string out = std::string(indent, ' ') + yaml_text(key) + ':';
  switch (value.type) {
    case node::kind::null:
    case node::kind::scalar: {
      const auto text = scalar_of(value);
      return out + (text.empty() ? "" : " ") + text + '\n';
    }
    case node::kind::list:
      if (auto line = out + ' ' + flow_list(value); line.size() <= line_columns_max) {
        return line + '\n';
      }
      out += '\n';
      for (const node& each : value.items) {
        out += std::string(indent + 2, ' ') + "- " + scalar_of(each) + '\n';
      }
      return out;
    case node::kind::map:
      out += '\n';
      for (const entry& each : value.entries) out += yaml_of(each.key, each.value, indent + 2);
      return out;
  }
  return out;
}

link_text::link_text(const std::string& text) {
  report ignored("");
  auto root = read_yaml(text, ignored);
  if (!root) return;
  if (is_editable(text, root->entries)) {
    split(text, std::move(root->entries));
    return;
  }
  for (entry& each : root->entries) {
    auto lines = yaml_of(each.key, each.value);
    parts_.push_back({std::move(each.key), std::move(each.value), "", std::move(lines)});
  }
}

void link_text::split(const std::string& text, std::vector<entry> entries) {
  const auto lines = lines_of(text);
  std::size_t next = 0;  // entry
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (next < entries.size() && static_cast<std::size_t>(entries[next].at.line) == i + 1) {
      parts_.push_back({std::move(entries[next].key), std::move(entries[next].value),
                        std::exchange(comment_, ""), lines[i]});
      ++next;
    } else if (is_comment(lines[i]) || parts_.empty()) {
      comment_ += lines[i];  // of the next key, unless this one goes on
    } else {
      parts_.back().lines += std::exchange(comment_, "") + lines[i];
    }
  }
}

const node* link_text::find(std::string_view key) const {
  const auto found = std::ranges::find_if(
      parts_, [&](const part& each) { return each.key == key && !each.lines.empty(); });
  return found == parts_.end() ? nullptr : &found->value;
}

void link_text::set(std::string_view key, std::optional<node> value) {
  const auto found = std::ranges::find(parts_, key, &part::key);
  if (found == parts_.end()) {
    if (!value) return;
    auto lines = yaml_of(key, *value);
    parts_.push_back(
        {std::string(key), std::move(*value), std::exchange(comment_, ""), std::move(lines)});
  } else if (!value) {
    found->lines.clear();
  } else if (auto lines = yaml_of(key, *value); lines != yaml_of(key, found->value)) {
    found->value = std::move(*value);
    found->lines = std::move(lines);
  }
}

void link_text::keep_only(const std::function<bool(std::string_view)>& wanted) {
  for (part& each : parts_) {
    if (!wanted(each.key)) each.lines.clear();
  }
}

std::string link_text::to_string() const {
  std::string out;
  for (const part& each : parts_) out += each.comment + each.lines;
  return out + comment_;
}

}  // namespace linkd::config

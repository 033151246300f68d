#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml_reader.hpp"

namespace linkd::config {

// The text of a link's file while it is edited: keys that do not change keep their lines, and all
// comments between keys stay. A file in another style than one key a line (JSON, say) is written
// anew.
class link_text {
 public:
  // `text` must be YAML without errors, or empty.
  explicit link_text(const std::string& text);

  // What stands under a key; none if nothing does.
  [[nodiscard]] const node* find(std::string_view key) const;
  // None: the key goes. New keys come last.
  void set(std::string_view key, std::optional<node> value);
  // Every key that is not `wanted` goes.
  void keep_only(const std::function<bool(std::string_view)>& wanted);
  [[nodiscard]] std::string to_string() const;

 private:
  struct part {
    std::string key;
    node value;
    std::string comment;  // above the key
    std::string lines;    // of the key; empty: it is gone
  };

  void split(const std::string& text, std::vector<entry> entries);

  std::vector<part> parts_;
  std::string comment_;  // at the end
};

// As YAML: "key: value" lines, indented by `indent` columns.
std::string yaml_of(std::string_view key, const node& value, std::size_t indent = 0);

}  // namespace linkd::config

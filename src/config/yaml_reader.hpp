#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/problem.hpp"

namespace linkd::config {

struct entry;

// A YAML document as a tree with positions. Scalars are text; what they mean is the reader's
// choice.
struct node {
  enum class kind { null, scalar, list, map };
  kind type = kind::null;
  position at;
  std::string text;            // scalar
  std::vector<node> items;     // list
  std::vector<entry> entries;  // map; keys are unique
};

struct entry {
  std::string key;
  position at;
  node value;
};

// Reads one document. Hostile text is refused: bytes that are not UTF-8, NUL, deep nesting, a flood
// of nodes. Duplicate keys, aliases and tags are reported and the rest is read. None: the text is
// no YAML; the reason is in `out`. An empty document is an empty map.
std::optional<node> read_yaml(const std::string& text, report& out);

}  // namespace linkd::config

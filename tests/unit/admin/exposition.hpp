#pragma once

#include <map>
#include <string>
#include <utility>

namespace linkd::test {

// What a scraper makes of a page in the Prometheus text format 0.0.4.
struct exposition {
  using labels = std::map<std::string, std::string>;
  std::map<std::string, std::string> types;                  // by family
  std::map<std::pair<std::string, labels>, double> samples;  // by name and labels
};

// Reads the format by its definition and throws std::runtime_error where a text breaks it: HELP and
// TYPE once a family and before its samples, families in one piece, names and escapes as allowed,
// no series twice.
exposition parse_exposition(const std::string& text);

}  // namespace linkd::test

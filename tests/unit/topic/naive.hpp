#pragma once

#include <bitset>
#include <cstddef>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

// A model of MQTT 5, section 4.7, that is too simple to be wrong: filters are the sets of the names
// they match, out of every name that can be made of a few words.
namespace linkd::topic::naive {

using words = std::vector<std::string>;

inline words split(std::string_view text) {
  words parts(1);
  for (const char c : text) {
    if (c == '/') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

inline bool matches(words pattern, const words& name) {
  const bool open = pattern.back() == "#";
  if (name[0].starts_with('$') && (pattern[0] == "+" || pattern[0] == "#")) return false;
  if (open) pattern.pop_back();
  if (open ? name.size() < pattern.size() : name.size() != pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != "+" && pattern[i] != name[i]) return false;
  }
  return true;
}

inline bool matches(std::string_view filter, std::string_view name) {
  return matches(split(filter), split(name));
}

// All rows of 1 to `depth` of `words`, joined by '/', but for the empty text.
inline words rows(const words& alphabet, std::size_t depth) {
  words all, longest(alphabet);
  for (std::size_t i = 0; i < depth; ++i) {
    all.insert(all.end(), longest.begin(), longest.end());
    words longer;
    for (const auto& row : longest) {
      for (const auto& word : alphabet) longer.push_back(row + "/" + word);
    }
    longest = std::move(longer);
  }
  std::erase(all, "");
  return all;
}

// Deeper by one than the filters, so that `+/+/+/+` and `+/+/+/#` differ.
inline const std::vector<std::string>& names() {
  static const auto all = rows({"", "a", "b", "$x"}, 5);
  return all;
}

inline constexpr std::size_t names_count = 4 + 16 + 64 + 256 + 1024 - 1;
using name_set = std::bitset<names_count>;

inline const name_set& names_of(const std::string& filter) {
  static const auto split_names = [] {
    std::vector<words> all;
    for (const auto& name : names()) all.push_back(split(name));
    return all;
  }();
  static std::map<std::string, name_set> known;
  const auto [entry, fresh] = known.try_emplace(filter);
  if (fresh) {
    const auto pattern = split(filter);
    for (std::size_t i = 0; i < names_count; ++i) {
      entry->second[i] = matches(pattern, split_names[i]);
    }
  }
  return entry->second;
}

// Every filter of up to three levels, and the same with `/#` behind.
inline const std::vector<std::string>& filters() {
  static const auto all = [] {
    auto made = rows({"", "a", "b", "$x", "+"}, 3);
    const auto closed = made;
    for (const auto& filter : closed) made.push_back(filter + "/#");
    made.push_back("/#");
    made.push_back("#");
    return made;
  }();
  return all;
}

class generator {
 public:
  explicit generator(unsigned seed) : random_(seed) {}
  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }
  const std::string& any(const std::vector<std::string>& list) { return list[below(list.size())]; }
  std::vector<std::string> some(const std::vector<std::string>& list, std::size_t count_max) {
    std::vector<std::string> picked;
    for (std::size_t left = below(count_max + 1); left > 0; --left) picked.push_back(any(list));
    return picked;
  }

 private:
  std::mt19937 random_;
};

}  // namespace linkd::topic::naive

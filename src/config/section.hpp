#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/problem.hpp"
#include "config/yaml_reader.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::config {

// One map of a file while it is read. Every reader takes one key: absent or empty, `out` keeps its
// default; wrong, the problem is reported with its place and `out` keeps its default as well, so
// that reading goes on and all problems are found in one run. A key nobody asked for is unknown.
// Keys are literals: they are remembered by reference.
class section {
 public:
  // `path` is that of the map, empty at the top of the file. Neither reference is copied.
  section(const node& map, std::string path, report& out)
      : map_(map), path_(std::move(path)), out_(out) {}

  void flag(std::string_view key, bool& out);
  // One line of text; ${NAME} is expanded here and in every other reader.
  void text(std::string_view key, std::string& out, std::size_t bytes_max = 1024);
  void password(std::string_view key, secret& out);
  void size(std::string_view key, std::uint64_t& out, std::uint64_t min, std::uint64_t max);
  void duration(std::string_view key, seconds& out, seconds min, seconds max);
  void server(std::string_view key, server_address& out, std::span<const scheme> allowed);
  // A list, or one alone.
  void servers(std::string_view key, std::vector<server_address>& out,
               std::span<const scheme> allowed);
  // Paths are resolved against the directory of the file.
  void path(std::string_view key, std::string& out);
  void readable_file(std::string_view key, std::string& out);
  void secret_file(std::string_view key, std::string& out);

  template <std::unsigned_integral Integer>
  void integer(std::string_view key, Integer& out, Integer min, Integer max) {
    out = static_cast<Integer>(integer_in(key, out, min, max));
  }

  template <class Value>
  using choices = std::initializer_list<std::pair<std::string_view, Value>>;
  template <class Value>
  void choice(std::string_view key, Value& out, choices<Value> all) {
    std::vector<std::string_view> names;
    for (const auto& [name, value] : all) names.push_back(name);
    const auto chosen = index_of(key, names);
    if (chosen < all.size()) out = all.begin()[chosen].second;
  }

  struct item {
    std::string text;
    position at;
    std::string path;  // "topics[2]"
  };
  // The items of a list of texts; those that are no text are reported and left out. False: the key
  // is absent or no list.
  bool list(std::string_view key, std::vector<item>& out);

  // Calls read(section&) for the map under a key, if there is one, and then reports unknown keys.
  template <class Read>
  void map(std::string_view key, Read&& read) {
    const node* value = find(key);
    if (value == nullptr || value->type == node::kind::null) return;
    if (!expect(*value, key, node::kind::map, "must be `key: value` lines")) return;
    section inner(*value, path_of(key), out_);
    read(inner);
    inner.reject_unknown_keys();
  }

  // There and not empty.
  [[nodiscard]] bool has(std::string_view key);
  // Reports a key that is absent or empty.
  void require(std::string_view key);
  // At the value of the key, or at the map if the key is absent.
  void error(std::string_view key, std::string what);
  void warning(std::string_view key, std::string what);
  void error(const item& where, std::string what);
  [[nodiscard]] position place(std::string_view key);
  void reject_unknown_keys();

 private:
  const node* find(std::string_view key);  // and remembers that the key is known
  const node* scalar(std::string_view key);
  bool expect(const node& value, std::string_view key, node::kind type, const char* what);
  bool take_text(std::string_view key, std::string& out, std::size_t bytes_max);
  bool clean_text(const node& value, const std::string& path, std::string& out,
                  std::size_t bytes_max);
  std::uint64_t integer_in(std::string_view key, std::uint64_t current, std::uint64_t min,
                           std::uint64_t max);
  std::size_t index_of(std::string_view key, const std::vector<std::string_view>& names);
  [[nodiscard]] std::string path_of(std::string_view key) const;

  const node& map_;
  std::string path_;
  report& out_;
  std::vector<std::string_view> known_;
};

}  // namespace linkd::config

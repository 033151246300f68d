#include "config/problem.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace linkd::config {

std::string to_string(const problem& found) {
  std::string text =
      found.file + ":" + std::to_string(found.line) + ":" + std::to_string(found.column) + ": ";
  if (!found.key.empty()) text += found.key + ": ";
  return text + found.what;
}

void report::error(position at, std::string key, std::string what) {
  add(errors_, at, std::move(key), std::move(what));
}

void report::warning(position at, std::string key, std::string what) {
  add(warnings_, at, std::move(key), std::move(what));
}

std::string report::resolve(const std::string& path) const {
  const auto joined = std::filesystem::path(file_).parent_path() / path;
  std::error_code failure;  // no current directory: the path stays relative
  const auto absolute = std::filesystem::absolute(joined, failure);
  return (failure ? joined : absolute).lexically_normal().string();
}

void report::add(std::vector<problem>& list, position at, std::string key, std::string what) {
  if (list.size() > problems_max) return;
  if (list.size() == problems_max) {
    list.push_back({file_, at.line, at.column, "",
                    "there are more problems; they are shown when these are solved"});
    return;
  }
  const auto place = [](const problem& each) { return std::pair(each.line, each.column); };
  const auto later = std::ranges::upper_bound(list, std::pair(at.line, at.column), {}, place);
  list.insert(later, {file_, at.line, at.column, std::move(key), std::move(what)});
}

}  // namespace linkd::config

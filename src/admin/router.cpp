#include "admin/router.hpp"

#include <optional>
#include <set>
#include <utility>

namespace linkd::admin {

namespace {

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> segments;
  while (true) {
    const auto slash = path.find('/');
    segments.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

std::optional<router::captures> match(const std::vector<std::string>& pattern,
                                      const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  router::captures captured;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (pattern[i] == "{}" && !path[i].empty()) {
      captured.push_back(path[i]);
    } else if (pattern[i] != path[i]) {
      return std::nullopt;
    }
  }
  return captured;
}

}  // namespace

void router::add(http::verb method, std::string_view pattern, handler handle) {
  routes_.push_back({method, split(pattern), std::move(handle)});
}

http_answer router::handle(const http_request& request) const {
  const auto path = split(path_of(request));
  const auto method = request.method() == http::verb::head ? http::verb::get : request.method();
  std::set<std::string> allowed;
  for (const auto& known : routes_) {
    const auto captured = match(known.segments, path);
    if (!captured) continue;
    if (known.method == method) return known.handle(request, *captured);
    allowed.insert(http::to_string(known.method));
    if (known.method == http::verb::get) allowed.insert("HEAD");
  }
  if (allowed.empty()) {
    return error_response(http::status::not_found, "not_found", "there is nothing at this path");
  }
  auto response = error_response(http::status::method_not_allowed, "method_not_allowed",
                                 "this path has other methods, see Allow");
  std::string list;
  for (const auto& name : allowed) list += (list.empty() ? "" : ", ") + name;
  response.set(http::field::allow, list);
  return response;
}

}  // namespace linkd::admin

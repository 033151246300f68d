#pragma once

#include <span>
#include <string_view>

// Files that are part of the program (cmake/embed.cmake).
namespace linkd::admin {

struct asset {
  std::string_view name;  // "index.html"
  std::string_view content;
};

// The console: every file of src/console.
std::span<const asset> console_files();

// src/admin/openapi.json
std::string_view openapi_document();

}  // namespace linkd::admin

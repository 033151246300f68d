#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace linkd::test {

struct http_answer {
  int status = 0;  // 0: no answer
  std::string body;
};

// One GET to 127.0.0.1 on a connection of its own.
http_answer http_get(std::uint16_t port, const std::string& path,
                     std::chrono::seconds patience = std::chrono::seconds(2));

}  // namespace linkd::test

#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace linkd::test {

struct http_answer {
  int status = 0;  // 0: no answer
  std::string header, body;
};

// One GET to 127.0.0.1 on a connection of its own.
http_answer http_get(std::uint16_t port, const std::string& path,
                     std::chrono::seconds patience = std::chrono::seconds(2));
// Another method; `headers` are whole lines, each with its "\r\n".
http_answer http_send(std::uint16_t port, const std::string& method, const std::string& path,
                      const std::string& body = {}, const std::string& headers = {},
                      std::chrono::seconds patience = std::chrono::seconds(10));

}  // namespace linkd::test

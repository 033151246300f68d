#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "tests/support/process.hpp"

namespace linkd::test {

// The port mapper that a server in Erlang wants, on a free loopback port. Started before the server
// looks for it: the one it would start itself would outlive it.
class epmd {
 public:
  // Its output goes to epmd.log in `directory`. Throws std::runtime_error if it does not start.
  explicit epmd(const std::filesystem::path& directory);

  [[nodiscard]] std::string port() const { return std::to_string(port_); }

 private:
  const std::uint16_t port_;
  process process_;
};

}  // namespace linkd::test

#pragma once

#include <cstdint>

namespace linkd::test {

// A TCP port of 127.0.0.1 that nobody listens on and that this process has not handed out before.
// Another process may take it before its user does: programs that fail to bind say so and the test
// fails visibly. Throws std::system_error.
std::uint16_t free_port();

// Somebody listens on this port of 127.0.0.1.
bool accepts_connections(std::uint16_t port);

}  // namespace linkd::test

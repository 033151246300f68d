#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>

namespace linkd::platform {

// Sleeps for limits::busy_turn_pause.
void rest_shortly();

// Runs `io` as its run() does. While messages come in bulk the loop rests after each handler that
// had limits::busy_turn_messages of them or more, so that the next one finds many: to be woken for
// every few costs more than to handle them, here and at the broker. `messages` tells how many were
// handled so far.
void run_paced(boost::asio::io_context& io, const std::function<std::uint64_t()>& messages,
               const std::function<void()>& rest = rest_shortly);

}  // namespace linkd::platform

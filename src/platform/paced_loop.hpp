#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>

namespace linkd::platform {

// Sleeps for limits::busy_turn_pause.
void rest_shortly();

// Runs `io` as its run() does. While messages come in bulk it does not wait for what happens, it
// looks what has happened after a rest: to be woken for every few messages costs more than to
// handle them, here and at the broker. That begins with a turn that had limits::busy_turn_messages
// of them or more, and ends after limits::quiet_turns with fewer. `messages` tells how many were
// handled so far.
void run_paced(boost::asio::io_context& io, const std::function<std::uint64_t()>& messages,
               const std::function<void()>& rest = rest_shortly);

}  // namespace linkd::platform

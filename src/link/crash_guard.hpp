#pragma once

#include <cstdint>

#include "mqtt_linkd/bytes.hpp"
#include "mqtt_linkd/ports/crash_journal.hpp"
#include "queue/dead_letters.hpp"

// Keeps a record of which the daemon crashes each time it is handled from doing so for ever
// (STATE.md, "crashes").
namespace linkd::link {

// limits::crashes_max lives crashed with exactly this record in hand: it must not be looked at.
bool is_poison(const crash_journal& journal, std::uint64_t queue_id, std::uint64_t offset);

// A life crashed with this one in hand, perhaps among others: it has to be handled alone, so that
// the next crash tells which one it is.
bool is_suspect(const crash_journal& journal, std::uint64_t queue_id, std::uint64_t offset);

// The dead letter for it: the record as it is, not decoded.
queue::dead_letters::letter letter_about_poison(stamp when, bytes_view record);

}  // namespace linkd::link

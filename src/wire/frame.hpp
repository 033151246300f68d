#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mqtt_linkd/bytes.hpp"
#include "mqtt_linkd/result.hpp"

// The frames of the link protocol as values; wire/PROTOCOL.md is the authority on what they mean
// and wire/link.proto on how they are written.
namespace linkd::wire {

inline constexpr std::uint32_t protocol_version = 1;

// A feature: its sender reads compressed blocks.
inline constexpr std::string_view feature_zstd = "zstd";

// Limits of frames beside limits::frame_bytes_max; decode() holds the other side to them.
inline constexpr std::size_t frame_bytes_min = 4096;  // every path carries at least this
inline constexpr std::size_t text_bytes_max = 512;    // reasons for people: cut
inline constexpr std::size_t features_max = 32;       // further ones are ignored
inline constexpr std::size_t filters_per_frame_max = 8192;

enum class refusal {
  unknown_deployment,  // "I have no link of your name"
  link_disabled,
  wrong_name,  // "you call me by a name that is not mine"
  unauthorized,
  version,           // no common protocol version
  duplicate_session  // another connection of this link is in use
};

std::string_view to_string(refusal reason);

// How far the receiver of a queue has come.
struct cursor {
  std::uint64_t queue_id = 0;  // 0: has never received from any
  std::uint64_t offset = 0;    // the next record it wants
  bool operator==(const cursor&) const = default;
};

// First frame of the dialler; the acceptor answers with the same body as hello_ack.
struct hello {
  std::uint32_t version_min = protocol_version;
  std::uint32_t version_max = protocol_version;  // hello_ack: both are the chosen one
  std::vector<std::string> features;             // unknown ones are ignored
  std::string deployment;                        // who sends this
  std::string peer;                              // whom it believes to speak to
  std::uint64_t incarnation = 0;                 // grows with every start of the sender
  std::uint64_t queue_id = 0;                    // of the sender's queue for the receiver
  std::uint64_t inflight_bytes_max = 0;          // what the sender of this accepts un-acked
  std::uint64_t frame_bytes_max = 0;
  std::uint64_t message_bytes_max = 0;  // largest record the sender of this accepts
  cursor received;                      // of the receiver's queue
  bool operator==(const hello&) const = default;
};
struct hello_ack : hello {
  bool operator==(const hello_ack&) const = default;
};

struct refused {
  refusal reason = refusal::unauthorized;
  std::string text;  // for people, cut to text_bytes_max and one line on receipt
  bool operator==(const refused&) const = default;
};

struct interest_begin {
  std::uint64_t version = 0;
  bool operator==(const interest_begin&) const = default;
};
struct interest_items {
  std::vector<std::string> filters;
  bool operator==(const interest_items&) const = default;
};
struct interest_end {
  std::uint64_t count = 0, hash = 0;
  bool operator==(const interest_end&) const = default;
};
struct interest_delta {
  std::uint64_t version = 0;
  std::vector<std::string> added, removed;
  bool operator==(const interest_delta&) const = default;
};

// Covers the offsets [begin, end) of the sender's queue; those missing in the block no longer exist
// there (expired, overflow, damage). A record larger than a frame comes as fragments: all with the
// same `begin`, each with end == begin but the last, where end == begin + 1.
struct data {
  std::uint64_t begin = 0, end = 0;
  std::uint64_t sent_at_ms = 0;   // the sender's stamp: tells ages without a common clock
  bool compressed = false;        // block is one zstd frame
  std::uint32_t block_bytes = 0;  // once decompressed; bounded by frame_bytes_max
  bytes block;                    // wire/block.hpp
  std::uint64_t fragment_offset = 0;
  std::uint64_t fragment_total_bytes = 0;  // of the whole record; 0: the block is whole
  bool operator==(const data&) const = default;
};

// Everything below `delivered` has its next owner. `resend_from`: the receiver misses what begins
// there.
struct ack {
  std::uint64_t delivered = 0;
  std::optional<std::uint64_t> resend_from;
  bool operator==(const ack&) const = default;
};

// `view_*`: the digest of the receiver's interest as the sender of the ping has it. `sent_offset`:
// everything below it in the sender's queue was sent as DATA.
struct ping {
  std::uint64_t number = 0;
  std::uint64_t view_version = 0, view_count = 0, view_hash = 0;
  std::uint64_t sent_offset = 0;
  bool operator==(const ping&) const = default;
};
struct pong {
  std::uint64_t number = 0;
  bool operator==(const pong&) const = default;
};
struct bye {
  std::string reason;  // for people, cut to text_bytes_max and one line on receipt
  bool operator==(const bye&) const = default;
};

using frame_body = std::variant<hello, hello_ack, refused, interest_begin, interest_items,
                                interest_end, interest_delta, data, ack, ping, pong, bye>;

struct frame {
  std::uint64_t session = 0;  // chosen at random by the dialler, in every frame; never 0
  frame_body body;
  bool operator==(const frame&) const = default;
};

bytes encode(const frame& what);
// errc::corrupt, errc::too_large (over limits::frame_bytes_max, or more fields than any frame of
// ours has), errc::version (a body we do not know). Allocates little more than the frame's size,
// whatever it holds. Filters are not checked here: interest::peer_view does.
result<frame> decode(bytes_view encoded);

}  // namespace linkd::wire

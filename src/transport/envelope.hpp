#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "mqtt_linkd/bytes.hpp"
#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"

// What every MQTT payload of the mqtt transport looks like; MQTT.md is the authority.
namespace linkd::transport {

// Names one path for ever: the incarnation of the dialling daemon and the count of its dials.
// Grows with every dial of a link.
struct path_id {
  std::uint64_t incarnation = 0;
  std::uint64_t dial = 0;
  auto operator<=>(const path_id&) const = default;
};

struct envelope {
  path_id path;
  std::uint64_t number = 0;  // 0, 1, 2 ... in each direction of a path
  bytes_view frame;          // empty: the path ends
};

// Who speaks to whom; bound into the MAC, so that no envelope can be turned around or moved to
// another link.
struct direction {
  std::string sender, receiver;  // deployment names
  bool from_dialler = true;
  [[nodiscard]] direction reversed() const { return {receiver, sender, !from_dialler}; }
};

inline constexpr std::size_t envelope_overhead_bytes_max = 26 + 32;

// With a key: an HMAC-SHA256 follows the frame.
bytes seal(const envelope& what, const direction& way, const std::optional<secret>& key);

// `frame` points into `sealed`. errc::corrupt: not an envelope. errc::version: of a later version.
// errc::permission: without or with a wrong MAC, or with one that we have no key for.
result<envelope> open(bytes_view sealed, const direction& way, const std::optional<secret>& key);

// The path an envelope says it belongs to, before anything of it is verified.
std::optional<path_id> claimed_path(bytes_view sealed);

}  // namespace linkd::transport

#pragma once

#include <string>
#include <vector>

#include "mqtt_linkd/bytes.hpp"
#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/time.hpp"

namespace linkd::link {

// What a peer asks of us as it is kept on disk, so that a restart without the peer goes on
// capturing for it. Format: link/STATE.md.
struct saved_interest {
  stamp last_seen;
  std::vector<std::string> filters;
};

inline constexpr std::size_t interest_file_bytes_max = 32u << 20;

bytes encode_interest(const saved_interest& what);
// errc::corrupt.
result<saved_interest> decode_interest(bytes_view content);

}  // namespace linkd::link

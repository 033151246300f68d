#pragma once

#include <optional>

#include "transport/envelope.hpp"
#include "transport/replay_window.hpp"

namespace linkd::transport {

// One end of one path: numbers and seals what goes out, opens what comes in.
class path_stream {
 public:
  // `outgoing`: from us to the peer.
  path_stream(path_id path, direction outgoing, std::optional<secret> key);

  // The next envelope of this path. An empty frame ends the path at the other side.
  bytes seal(bytes_view frame);
  // The frame in it, which points into `sealed`; empty: the peer ended the path. Errors of
  // transport::open, errc::not_found: of another path, errc::exists: seen before.
  result<bytes_view> open(bytes_view sealed);

  [[nodiscard]] path_id path() const { return path_; }

 private:
  path_id path_;
  direction outgoing_, incoming_;
  std::optional<secret> key_;
  std::uint64_t next_number_ = 0;
  replay_window seen_;
};

}  // namespace linkd::transport

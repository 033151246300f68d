#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "link/link.hpp"

// Why a message is carried or not, for a person who looks for one.
namespace linkd::link {

// A message published at our broker, on its way to one peer.
struct outgoing_fate {
  std::string link;
  bool wanted = false;  // the peer asks for it
  std::string filter;   // by this filter; empty: by none
  bool allowed = false;
  std::string allow_filter;  // ours that permits it; empty: none
  bool captured = false;     // we are subscribed to it now
  link_state state = link_state::connecting;
  std::uint64_t queue_messages = 0;
  std::string verdict;  // what happens, and what to change if that is nothing
};

// A message published at the peer's broker, on its way to us.
struct incoming_fate {
  std::string link;
  bool wanted = false;  // we ask the peer for it
  std::string filter;   // by this filter; empty: by none
  link_state state = link_state::connecting;
  std::string verdict;
};

struct explanation {
  std::string topic;
  std::vector<outgoing_fate> outgoing;  // by link
  std::vector<incoming_fate> incoming;  // by link
};

// `captured`: see outgoing_fate. `topic` is a valid name.
outgoing_fate explain_outgoing(const link& to, const std::string& topic, bool captured,
                               const std::string& broker_reason);
incoming_fate explain_incoming(const link& from, const std::string& topic);

}  // namespace linkd::link

#include "link/explain.hpp"

#include <algorithm>

#include "topic/topic.hpp"

namespace linkd::link {
namespace {

// The first of `filters` that matches; empty: none does.
template <class Filters>
std::string matching(const Filters& filters, const std::string& topic) {
  const auto found = std::find_if(filters.begin(), filters.end(), [&](const std::string& each) {
    return topic::matches(each, topic);
  });
  return found == filters.end() ? std::string() : *found;
}

std::string file_of(const std::string& link) {
  return "links.d/" + link + ".yaml";
}

std::string state_text(const link_status& status) {
  return "the link is " + std::string(to_string(status.state)) + " (" + status.reason + ")";
}

std::string outgoing_verdict(const outgoing_fate& fate, const link_status& status,
                             const std::string& broker_reason) {
  const std::string& peer = fate.link;
  if (fate.state == link_state::disabled) {
    return "not sent: the link is disabled; enable it";
  }
  if (!fate.wanted) {
    const bool heard = status.interest_filters_in > 0 || fate.state == link_state::up;
    return heard ? "not sent: " + peer + " does not ask for it; add a filter to topics in " +
                       "the link of " + peer + "'s daemon to us"
                 : "not sent: " + peer + " has not asked for anything yet; " + state_text(status);
  }
  if (!fate.allowed) {
    return "not sent: " + peer + " asks for it by " + fate.filter +
           ", but nothing in allow permits it; add a filter to allow in " + file_of(peer);
  }
  if (!fate.captured) {
    return "not seen: we are not subscribed to it at our broker (" + broker_reason +
           "); see that linkd's user may read it";
  }
  if (fate.state == link_state::up) return "a message published here is sent to " + peer;
  if (fate.state == link_state::paused) {
    return "queued: the link is paused; resume it to send what waits";
  }
  return "queued until the link is up; " + state_text(status);
}

std::string incoming_verdict(const incoming_fate& fate, const std::string& topic, const link& from,
                             const link_status& status) {
  const std::string& peer = fate.link;
  if (fate.state == link_state::disabled) return "not received: the link is disabled; enable it";
  if (!fate.wanted && matching(from.settings().topics, topic).empty()) {
    return "not received: we do not ask " + peer + " for it; add a filter to topics in " +
           file_of(peer);
  }
  if (!fate.wanted) {
    return "not received: no client of our broker is subscribed to it, so we do not ask " + peer +
           " for it now";
  }
  const std::string asked = "we ask " + peer + " for it by " + fate.filter;
  if (fate.state != link_state::up) return asked + ", but " + state_text(status);
  return asked + "; whether " + peer + " allows it, explain says there";
}

}  // namespace

outgoing_fate explain_outgoing(const link& to, const std::string& topic, bool captured,
                               const std::string& broker_reason) {
  const link_status status = to.status();
  outgoing_fate fate;
  fate.link = status.name;
  fate.filter = matching(to.wanted(), topic);
  fate.wanted = !fate.filter.empty();
  fate.allow_filter = matching(to.settings().allow, topic);
  fate.allowed = !fate.allow_filter.empty();
  fate.captured = captured;
  fate.state = status.state;
  fate.queue_messages = status.queue_messages;
  fate.verdict = outgoing_verdict(fate, status, broker_reason);
  return fate;
}

incoming_fate explain_incoming(const link& from, const std::string& topic) {
  const link_status status = from.status();
  incoming_fate fate;
  fate.link = status.name;
  fate.filter = matching(from.announced(), topic);
  fate.wanted = !fate.filter.empty();
  fate.state = status.state;
  fate.verdict = incoming_verdict(fate, topic, from, status);
  return fate;
}

}  // namespace linkd::link

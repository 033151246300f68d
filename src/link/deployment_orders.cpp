#include <algorithm>

#include "link/deployment.hpp"
#include "topic/topic.hpp"

// What a person asks or orders through the admin port.
namespace linkd::link {
namespace {

error no_link(const std::string& name) {
  return {errc::not_found, "there is no link named " + name};
}

reach_report of_running(const link_status& status) {
  reach_report report;
  report.ok = true;
  report.message = "the link is up: " + status.reason;
  return report;
}

reach_report without_server(const std::string& peer) {
  reach_report report;
  report.message = "nothing to dial: the link has no server, " + peer + " dials us";
  return report;
}

}  // namespace

link* deployment::find(const std::string& name) {
  const auto found = links_.find(name);
  return found == links_.end() ? nullptr : found->second.the.get();
}

result<void> deployment::pause(const std::string& name) {
  link* const which = find(name);
  if (!which) return no_link(name);
  which->pause();
  settle();
  return {};
}

result<void> deployment::resume(const std::string& name) {
  link* const which = find(name);
  if (!which) return no_link(name);
  which->resume();
  settle();
  return {};
}

result<std::uint64_t> deployment::purge(const std::string& name) {
  link* const which = find(name);
  if (!which) return no_link(name);
  const std::uint64_t purged = which->purge();
  settle();
  return purged;
}

result<void> deployment::test(const std::string& name, std::function<void(reach_report)> done) {
  link* const which = find(name);
  if (!which) return no_link(name);
  if (tests_.contains(name)) {
    return error{errc::unavailable, "a test of the link to " + name + " is running: wait for it"};
  }
  if (which->is_up()) {
    done(of_running(which->status()));
  } else if (which->settings().servers.empty()) {
    done(without_server(name));
  } else {
    tests_.emplace(name,
                   std::make_unique<reach_test>(env_, which->settings(),
                                                static_cast<link_events&>(*this), std::move(done)));
    settle();
  }
  return {};
}

void deployment::tell_tests() {
  for (auto at = tests_.begin(); at != tests_.end();) {
    if (!at->second->is_over()) {
      ++at;
      continue;
    }
    const auto finished = std::move(at->second);
    at = tests_.erase(at);
    finished->tell();
  }
}

result<link_interest> deployment::interest(const std::string& name) const {
  const auto found = links_.find(name);
  if (found == links_.end()) return no_link(name);
  const link& which = *found->second.the;
  return link_interest{{which.wanted().begin(), which.wanted().end()},
                       which.effective(),
                       {which.announced().begin(), which.announced().end()}};
}

result<explanation> deployment::explain(const std::string& topic) const {
  if (const auto valid = topic::check_name(topic); !valid) return valid.error();
  const bool captured =
      broker_up_ && std::ranges::any_of(captured_filters_, [&](const std::string& filter) {
        return topic::matches(filter, topic) && !capture_refused_.contains(filter);
      });
  explanation out{topic, {}, {}};
  for (const auto& [name, each] : links_) {
    out.outgoing.push_back(explain_outgoing(*each.the, topic, captured, broker_reason()));
    out.incoming.push_back(explain_incoming(*each.the, topic));
  }
  return out;
}

}  // namespace linkd::link

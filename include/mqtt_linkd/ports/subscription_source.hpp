#pragma once

#include <string>
#include <vector>

namespace linkd {

// What clients of the local broker are subscribed to, as plain topic filters that passed
// topic::check_filter: `$share/group/` is cut off, subscriptions of linkd's own clients, under
// `$SYS` and under the control prefix are left out; what cannot be told exactly is a wider filter.
// A filter is told once however many clients have it.
//
// Called on the main thread, never from inside a call of `subscription_source`. A view begins with
// on_subscriptions(), goes on with on_subscriptions_changed() and ends with
// on_subscriptions_unknown(); without one, everything may be subscribed to.
class subscription_events {
 public:
  virtual ~subscription_events() = default;
  // The complete view from now on.
  virtual void on_subscriptions(std::vector<std::string> filters) = 0;
  // Only within a view. Adding what is there or removing what is not: no error.
  virtual void on_subscriptions_changed(const std::vector<std::string>& added,
                                        const std::vector<std::string>& removed) = 0;
  // Only within a view, when that changes: what of it is wider than what is subscribed to, or left
  // out; one line for people. Empty, as in the beginning: nothing.
  virtual void on_subscriptions_note(const std::string& note) = 0;
  // No view, or none any more; told again when the reason changes. `reason`: one line for people,
  // what to do about it.
  virtual void on_subscriptions_unknown(const std::string& reason) = 0;
};

// Follows the local broker. One thread, no call blocks.
class subscription_source {
 public:
  virtual ~subscription_source() = default;
  virtual void start(subscription_events& events) = 0;
  // No event follows.
  virtual void stop() = 0;
};

}  // namespace linkd

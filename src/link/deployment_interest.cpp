#include <iterator>

#include "link/deployment.hpp"

// What clients of the local broker are subscribed to, as the source tells it.
namespace linkd::link {
namespace {

constexpr const char* followed = "followed";

}  // namespace

void deployment::on_subscriptions(std::vector<std::string> filters) {
  local_.filters = {std::move_iterator(filters.begin()), std::move_iterator(filters.end())};
  set_local_view(true, followed);
}

void deployment::on_subscriptions_note(const std::string& note) {
  if (!local_.complete) return;
  interest_reason_ = followed;
  if (!note.empty()) interest_reason_ += "; " + note;
}

void deployment::on_subscriptions_unknown(const std::string& reason) {
  local_.filters.clear();
  set_local_view(false, reason);
}

void deployment::set_local_view(bool complete, const std::string& reason) {
  if (complete != local_.complete || reason != interest_reason_) {
    env_.log.write(complete ? log_level::info : log_level::warning,
                   complete ? "interest_live" : "interest_static", "",
                   complete ? "topics are narrowed to what local clients are subscribed to"
                            : "topics are asked for as they are: " + reason);
  }
  const bool replaced = complete || local_.complete;
  local_.complete = complete;
  interest_reason_ = reason;
  if (!replaced) return;
  for (const auto& [name, each] : links_) each.the->on_local_view();
  settle();
}

void deployment::on_subscriptions_changed(const std::vector<std::string>& added,
                                          const std::vector<std::string>& removed) {
  if (!local_.complete) return;
  std::vector<std::string> gone, fresh;
  for (const std::string& filter : removed) {
    if (local_.filters.erase(filter) > 0) gone.push_back(filter);
  }
  for (const std::string& filter : added) {
    if (local_.filters.insert(filter).second) fresh.push_back(filter);
  }
  for (const auto& [name, each] : links_) each.the->on_local_change(fresh, gone);
  settle();
}

}  // namespace linkd::link

#include "interest/peer_view.hpp"

#include <utility>

#include "mqtt_linkd/limits.hpp"
#include "topic/topic.hpp"

namespace linkd::interest {
namespace {

result<void> check_filters(const std::vector<std::string>& filters) {
  for (const auto& filter : filters) {
    if (const auto checked = topic::check_filter(filter); !checked) {
      return error{errc::invalid, "a filter of the peer's interest " + checked.error().text};
    }
  }
  return {};
}

result<void> check_size(std::size_t filters, std::size_t filter_bytes) {
  if (filters > limits::filters_per_peer_max) {
    return error{errc::too_large, "the peer asks for more than " +
                                      std::to_string(limits::filters_per_peer_max) + " filters"};
  }
  if (filter_bytes > limits::filter_bytes_per_peer_max) {
    return error{errc::too_large, "the filters of the peer's interest are longer than " +
                                      std::to_string(limits::filter_bytes_per_peer_max) +
                                      " bytes together"};
  }
  return {};
}

}  // namespace

std::uint64_t filter_hash(std::string_view filter) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : filter) {
    hash ^= static_cast<std::uint8_t>(c);
    hash *= 0x100000001b3;
  }
  // The finalizer of MurmurHash3. Without it sums collide: FNV-1a of `f/0` and `f/3` add up to that
  // of `f/1` and `f/2`, since their last bytes differ in two bits only.
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

bool hashed_filters::insert(const std::string& filter) {
  if (!filters.insert(filter).second) return false;
  filter_bytes += filter.size();
  hash += filter_hash(filter);
  return true;
}

bool hashed_filters::erase(const std::string& filter) {
  if (filters.erase(filter) == 0) return false;
  filter_bytes -= filter.size();
  hash -= filter_hash(filter);
  return true;
}

void peer_view::restore(const std::vector<std::string>& filters) {
  in_force_ = {};
  for (const auto& filter : filters) {
    if (topic::check_filter(filter)) in_force_.insert(filter);
  }
  version_ = 0;
}

bool peer_view::replace(std::uint64_t version, hashed_filters with) {
  const bool changed = with.filters != in_force_.filters;
  in_force_ = std::move(with);
  version_ = version;
  return changed;
}

result<bool> peer_view::delta(std::uint64_t version, const std::vector<std::string>& added,
                              const std::vector<std::string>& removed) {
  if (version != version_ + 1) {
    return error{errc::invalid, "interest delta " + std::to_string(version) + " after " +
                                    std::to_string(version_)};
  }
  if (auto checked = check_filters(added); !checked) return checked.error();

  // What was done, to undo it if it goes over a limit.
  std::vector<const std::string*> erased, inserted;
  for (const auto& filter : removed) {
    if (in_force_.erase(filter)) erased.push_back(&filter);
  }
  for (const auto& filter : added) {
    if (in_force_.insert(filter)) inserted.push_back(&filter);
  }
  if (auto checked = check_size(in_force_.filters.size(), in_force_.filter_bytes); !checked) {
    for (const auto* filter : inserted) in_force_.erase(*filter);
    for (const auto* filter : erased) in_force_.insert(*filter);
    return checked.error();
  }
  version_ = version;
  return !erased.empty() || !inserted.empty();
}

bool peer_view::clear() {
  const bool changed = !in_force_.filters.empty();
  in_force_ = {};
  return changed;
}

digest peer_view::current() const {
  return {version_, in_force_.filters.size(), in_force_.hash};
}

void view_updates::begin(std::uint64_t version) {
  pending_.emplace();
  pending_version_ = version;
}

result<void> view_updates::items(const std::vector<std::string>& filters) {
  if (!pending_) return error{errc::invalid, "items of an interest snapshot that was not begun"};
  auto checked = check_filters(filters);
  for (auto filter = filters.begin(); checked && filter != filters.end(); ++filter) {
    pending_->insert(*filter);
    checked = check_size(pending_->filters.size(), pending_->filter_bytes);
  }
  if (!checked) pending_.reset();
  return checked;
}

result<bool> view_updates::end(std::uint64_t count, std::uint64_t hash) {
  if (!pending_) return error{errc::invalid, "end of an interest snapshot that was not begun"};
  auto arrived = *std::exchange(pending_, std::nullopt);
  if (arrived.filters.size() != count || arrived.hash != hash) {
    return error{errc::corrupt, "an interest snapshot does not agree with its count and hash"};
  }
  return view_.replace(pending_version_, std::move(arrived));
}

result<bool> view_updates::delta(std::uint64_t version, const std::vector<std::string>& added,
                                 const std::vector<std::string>& removed) {
  if (pending_) return error{errc::invalid, "an interest delta inside a snapshot"};
  return view_.delta(version, added, removed);
}

}  // namespace linkd::interest

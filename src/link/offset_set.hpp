#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>

namespace linkd::link {

// Offsets that come in ascending order and mostly leave in it, too.
class offset_set {
 public:
  // `offset` is above all that are in.
  void insert(std::uint64_t offset) { items_.push_back({offset, false}); }

  void erase(std::uint64_t offset) {
    const auto found = std::ranges::lower_bound(items_, offset, {}, &item::offset);
    if (found == items_.end() || found->offset != offset) return;
    found->gone = true;
    while (!items_.empty() && items_.front().gone) items_.pop_front();
  }
  // All from `offset` on.
  void erase_from(std::uint64_t offset) {
    while (!items_.empty() && items_.back().offset >= offset) items_.pop_back();
  }
  void clear() { items_.clear(); }

  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(std::ranges::count(items_, false, &item::gone));
  }
  [[nodiscard]] std::optional<std::uint64_t> first() const {
    if (items_.empty()) return std::nullopt;
    return items_.front().offset;
  }

 private:
  struct item {
    std::uint64_t offset;
    bool gone;
  };
  std::deque<item> items_;  // the first is not gone
};

}  // namespace linkd::link

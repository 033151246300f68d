#pragma once

#include <string_view>

namespace linkd::topic {

// Walks the levels of a name or filter from left to right; small enough to copy. `a//b` has the
// levels `a`, ``, `b`.
class levels {
 public:
  explicit levels(std::string_view text) : rest_(text) { cut(); }

  // Past the last level; then there is no current one.
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] std::string_view operator*() const { return current_; }
  [[nodiscard]] levels next() const {
    levels following = *this;
    following.advance();
    return following;
  }
  void advance() {
    if (last_) {
      done_ = true;
    } else {
      cut();
    }
  }

 private:
  void cut() {
    const auto slash = rest_.find('/');
    current_ = rest_.substr(0, slash);
    last_ = slash == std::string_view::npos;
    if (!last_) rest_.remove_prefix(slash + 1);
  }

  std::string_view rest_;  // behind the current level
  std::string_view current_;
  bool last_ = false;
  bool done_ = false;
};

// `$SYS/...` and the like: out of reach of a wildcard in the first level (MQTT 5, section 4.7.2).
inline bool is_reserved(std::string_view text) {
  return text.starts_with('$');
}

// No name is empty, so `#` matches just what `+/#` does and `/#` what `/+/#` does. In the longer
// spelling `#` has a parent that can be a name; after the rewrite, filters that match the same
// names are equal as texts.
inline std::string_view spelled_out(std::string_view filter) {
  if (filter == "#") return "+/#";
  if (filter == "/#") return "/+/#";
  return filter;
}

}  // namespace linkd::topic

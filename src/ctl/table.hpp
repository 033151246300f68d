#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linkd::ctl {

enum class colour { none, good, warning, bad, dim };

// What the text is written to.
struct screen {
  bool coloured = false;
  std::size_t columns = 0;  // 0: no terminal, lines are as long as they are
  bool cuts = false;        // a row stays on its line; else its last cell may follow below
};

struct cell {
  std::string text;
  linkd::ctl::colour colour = colour::none;
  bool right = false;  // numbers
};

// Rows of cells in aligned columns. Texts come from the network: what a terminal would take for an
// order is shown as "?". A row that is wider than the screen is as `cuts` says.
class table {
 public:
  explicit table(std::vector<std::string> headings) : headings_(std::move(headings)) {}
  void add(std::vector<cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string text(const screen& on) const;

 private:
  std::vector<std::string> headings_;  // empty: no line of headings
  std::vector<std::vector<cell>> rows_;
};

// Without control characters and what is not UTF-8.
std::string harmless(std::string_view text);

// "1.5 MiB", "3 min".
std::string bytes_text(double bytes);
std::string number_text(double number);
std::string duration_text(double seconds);

}  // namespace linkd::ctl

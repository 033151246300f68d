#include "exposition.hpp"

#include <cctype>
#include <set>
#include <sstream>
#include <stdexcept>

namespace linkd::test {

namespace {

// One line of the text, taken apart from the front.
class line_reader {
 public:
  explicit line_reader(std::string line) : line_(std::move(line)) {}

  [[nodiscard]] bool at(char c) const { return position_ < line_.size() && line_[position_] == c; }

  bool skip(const std::string& text) {
    if (line_.compare(position_, text.size(), text) != 0) return false;
    position_ += text.size();
    return true;
  }

  void expect(const std::string& text) {
    if (!skip(text)) fail("expected '" + text + "'");
  }

  std::string name() {
    const std::size_t start = position_;
    while (position_ < line_.size() && is_name_character(line_[position_], position_ == start)) {
      ++position_;
    }
    if (position_ == start) fail("expected a name");
    return line_.substr(start, position_ - start);
  }

  std::string quoted() {
    expect("\"");
    std::string value;
    while (!at('"')) {
      if (position_ == line_.size()) fail("a label value does not end");
      char c = line_[position_++];
      if (c == '\\') {
        c = position_ < line_.size() ? line_[position_++] : '\0';
        if (c != 'n' && c != '\\' && c != '"') fail("an escape that does not exist");
        if (c == 'n') c = '\n';
      }
      value += c;
    }
    expect("\"");
    return value;
  }

  std::string rest() { return line_.substr(std::exchange(position_, line_.size())); }

  [[noreturn]] void fail(const std::string& why) const {
    throw std::runtime_error(why + " at " + std::to_string(position_) + " of: " + line_);
  }

 private:
  static bool is_name_character(char c, bool first) {
    const auto byte = static_cast<unsigned char>(c);
    return std::isalpha(byte) || c == '_' || c == ':' || (!first && std::isdigit(byte));
  }

  std::string line_;
  std::size_t position_ = 0;
};

// The family of a sample: a histogram's samples have suffixes.
std::string family_of(const std::string& name, const exposition& page) {
  for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
    if (!name.ends_with(suffix)) continue;
    const auto family = page.types.find(name.substr(0, name.size() - suffix.size()));
    if (family != page.types.end() && family->second == "histogram") return family->first;
  }
  return name;
}

void parse_sample(line_reader& line, const std::string& current, exposition& page) {
  const std::string name = line.name();
  if (current.empty() || family_of(name, page) != current) line.fail("not of the family above");
  exposition::labels labels;
  if (line.skip("{")) {
    while (!line.at('}')) {
      const std::string label = line.name();
      line.expect("=");
      if (!labels.emplace(label, line.quoted()).second) line.fail("a label twice");
      if (!line.skip(",")) break;
    }
    line.expect("}");
  }
  line.expect(" ");
  const std::string number = line.rest();
  std::size_t parsed = 0;
  const double value = std::stod(number, &parsed);
  if (parsed != number.size()) line.fail("not a number");
  if (!page.samples.emplace(std::pair(name, labels), value).second) line.fail("a series twice");
}

}  // namespace

exposition parse_exposition(const std::string& text) {
  exposition page;
  std::set<std::string> helped;
  std::string current;  // the family whose samples may follow
  std::istringstream lines(text);
  if (!text.ends_with('\n')) throw std::runtime_error("the last line does not end");
  for (std::string next; std::getline(lines, next);) {
    line_reader line(next);
    if (line.skip("# HELP ")) {
      const std::string family = line.name();
      if (!helped.insert(family).second) line.fail("HELP twice");
      line.expect(" ");
      if (line.rest().empty()) line.fail("HELP says nothing");
    } else if (line.skip("# TYPE ")) {
      current = line.name();
      line.expect(" ");
      if (!helped.contains(current)) line.fail("TYPE without HELP");
      if (!page.types.emplace(current, line.rest()).second) line.fail("TYPE twice");
    } else {
      parse_sample(line, current, page);
    }
  }
  return page;
}

}  // namespace linkd::test

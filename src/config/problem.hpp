#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace linkd::config {

// Where in a file, counted from 1.
struct position {
  int line = 1;
  int column = 1;
};

// One thing wrong in one file. Texts hold no secret and no control character.
struct problem {
  std::string file;
  int line = 1;
  int column = 1;
  std::string key;   // "queue.max_bytes", "topics[2]"; empty: not about one key
  std::string what;  // "must be true or false"
  bool operator==(const problem&) const = default;
};

// "file:line:column: key: what"
std::string to_string(const problem& found);

// Collects everything wrong with one file, in the order of its lines. Bounded: after problems_max
// of them one more says that there are others.
class report {
 public:
  static constexpr std::size_t problems_max = 100;

  explicit report(std::string file) : file_(std::move(file)) {}

  void error(position at, std::string key, std::string what);
  // Dangerous or without effect, but allowed.
  void warning(position at, std::string key, std::string what);

  [[nodiscard]] const std::string& file() const { return file_; }
  // `path` as it is if absolute, else as seen from the directory of the file.
  [[nodiscard]] std::string resolve(const std::string& path) const;
  [[nodiscard]] const std::vector<problem>& errors() const { return errors_; }
  [[nodiscard]] const std::vector<problem>& warnings() const { return warnings_; }

 private:
  void add(std::vector<problem>& list, position at, std::string key, std::string what);

  std::string file_;
  std::vector<problem> errors_, warnings_;
};

}  // namespace linkd::config

#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace linkd::test {

// Sets (or with std::nullopt unsets) a variable of this process as long as the object lives. Only
// while no other thread runs.
class environment_variable {
 public:
  environment_variable(std::string name, const std::optional<std::string>& value)
      : name_(std::move(name)) {
    if (const char* before = std::getenv(name_.c_str())) before_ = before;
    assign(value);
  }
  ~environment_variable() { assign(before_); }
  environment_variable(const environment_variable&) = delete;
  environment_variable& operator=(const environment_variable&) = delete;

 private:
  void assign(const std::optional<std::string>& value) {
    if (value) {
      ::setenv(name_.c_str(), value->c_str(), 1);
    } else {
      ::unsetenv(name_.c_str());
    }
  }

  std::string name_;
  std::optional<std::string> before_;
};

}  // namespace linkd::test

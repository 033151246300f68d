#include "tests/support/broker_sample.hpp"

#include <stdexcept>

#include "tests/support/temp_dir.hpp"

namespace linkd::test {

std::string broker_sample(const std::string& file, const replacements& adapted) {
  std::string text = read_file(LINKD_BROKER_SAMPLES "/" + file);
  for (const auto& [sample, ours] : adapted) {
    const auto at = text.find(sample);
    if (at == std::string::npos) throw std::runtime_error(file + " does not hold " + sample);
    text.replace(at, sample.size(), ours);
  }
  return text;
}

}  // namespace linkd::test

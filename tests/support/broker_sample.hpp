#pragma once

#include <string>
#include <utility>
#include <vector>

namespace linkd::test {

// What stands in a sample, and what a test needs there instead: a free port, a directory.
using replacements = std::vector<std::pair<std::string, std::string>>;

// The text of etc/brokers/<file>, adapted. Throws std::runtime_error if it holds no such part, so
// that sample and test stay together.
std::string broker_sample(const std::string& file, const replacements& adapted = {});

}  // namespace linkd::test

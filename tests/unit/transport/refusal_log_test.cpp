#include "transport/refusal_log.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace linkd;
using namespace linkd::transport;

namespace {

struct kept_lines : logger {
  void write(log_level, std::string_view event, std::string_view link,
             std::string_view text) override {
    lines.push_back(std::string(event) + " " + std::string(link) + ": " + std::string(text));
  }
  std::vector<std::string> lines;
};

}  // namespace

TEST_CASE("refusal log: counts all and tells one of each link", "[transport]") {
  kept_lines log;
  refusal_log refusals(log, "frame_refused", "refused a frame: ");
  for (int i = 0; i < 1000; ++i) {
    refusals.note("london", "a wrong MAC");
    refusals.note("", "not from a deployment");
  }
  CHECK(refusals.total() == 2000);
  CHECK(log.lines ==
        std::vector<std::string>{"frame_refused london: refused a frame: a wrong MAC",
                                 "frame_refused : refused a frame: not from a deployment"});
}

#include "transport/failure_limit.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace linkd;
using namespace linkd::transport;

namespace {

constexpr time_point start{seconds(1000)};

int failures_allowed(failure_limit& limit, const std::string& address, time_point now) {
  int count = 0;
  for (; limit.allows(address, now) && count < 100; ++count) limit.on_failure(address, now);
  return count;
}

}  // namespace

TEST_CASE("failure limit: a burst at once, then one in a while, each address for itself") {
  failure_limit limit;
  CHECK(failures_allowed(limit, "192.0.2.1", start) == failure_limit::burst);
  CHECK(failures_allowed(limit, "192.0.2.1", start + milliseconds(1999)) == 0);
  CHECK(failures_allowed(limit, "192.0.2.1", start + failure_limit::refill) == 1);
  CHECK(failures_allowed(limit, "192.0.2.2", start) == failure_limit::burst);
  CHECK(failures_allowed(limit, "192.0.2.1", start + seconds(3600)) == failure_limit::burst);
}

TEST_CASE("failure limit: a success forgives") {
  failure_limit limit;
  failures_allowed(limit, "192.0.2.1", start);
  limit.on_success("192.0.2.1");
  CHECK(failures_allowed(limit, "192.0.2.1", start) == failure_limit::burst);
}

TEST_CASE("failure limit: a flood of addresses does not free the one that failed most") {
  failure_limit limit;
  failures_allowed(limit, "192.0.2.1", start);
  for (std::size_t i = 0; i < 3 * failure_limit::addresses_max; ++i) {
    limit.on_failure("flood " + std::to_string(i), start);
  }
  CHECK_FALSE(limit.allows("192.0.2.1", start));
}

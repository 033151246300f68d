#include "tests/unit/queue/queue_fixture.hpp"

namespace linkd::queue {
namespace {

using records = std::vector<bytes>;

TEST_CASE("queue: what is committed is read in order, from any offset") {
  test::memory_storage disk;
  std::vector<damage> found;
  const auto queue = open_queue(disk, found);
  CHECK(queue->id() == first_id);
  REQUIRE(queue->append("one", at_ms(1)));
  REQUIRE(queue->append("two", at_ms(2)));
  CHECK(queue->end() == 0);
  CHECK(queue->messages() == 2);
  CHECK(queue->read(0, 100, found).records.empty());
  REQUIRE(commit(*queue));
  REQUIRE(store(*queue, "three", 3));
  CHECK(queue->end() == 3);
  CHECK(bodies(read_all(*queue, found)) == records{"one", "two", "three"});
  CHECK(bodies(read_all(*queue, found, 1)) == records{"two", "three"});
  CHECK(bodies(read_all(*queue, found, 0, 1)) == records{"one", "two", "three"});
  CHECK(found.empty());
}

TEST_CASE("queue: a reopened queue holds what was committed and not released") {
  test::memory_storage disk;
  std::vector<damage> found;
  {
    const auto queue = open_queue(disk, found);
    for (const auto* each : {"one", "two", "three"}) REQUIRE(store(*queue, each));
    queue->release(1);
    REQUIRE(queue->append("staged only", at_ms(9)));
  }
  const auto queue = open_queue(disk, found, small_queue(), first_id + 1);
  CHECK(queue->id() == first_id);
  CHECK(queue->begin() == 1);
  CHECK(queue->end() == 3);
  CHECK(queue->messages() == 2);
  CHECK(queue->body_bytes() == 8);
  CHECK(bodies(read_all(*queue, found)) == records{"two", "three"});
  REQUIRE(store(*queue, "four"));
  CHECK(read_all(*queue, found).back() == kept{3, "four"});
  CHECK(found.empty());
}

}  // namespace
}  // namespace linkd::queue

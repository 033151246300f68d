#include "live/journal.hpp"

#include <catch2/catch.hpp>

#include "tests/support/memory_storage.hpp"

using namespace linkd;
using namespace linkd::live;

namespace {

class worker_at_once : public worker {
 public:
  void run(const std::string&, std::function<void()> work, std::function<void()> done) override {
    work();
    done();
  }
};

mqtt::received_message said(std::string topic, std::string payload, bool retain = false) {
  mqtt::received_message out;
  out.what.topic = std::move(topic);
  out.what.payload = std::move(payload);
  out.what.retain = retain;
  return out;
}

stamp at(int seconds_since) {
  return stamp(seconds(seconds_since));
}

struct world {
  test::memory_storage disk;
  worker_at_once background;
  journal kept{disk, background, "live.journal"};
  std::optional<errc> failed;
  journal::outcome note = [this](const result<void>& outcome) {
    failed = outcome ? std::nullopt : std::optional(outcome.error().code);
  };
};

}  // namespace

TEST_CASE("journal: a snapshot and what came after it", "[live]") {
  world w;
  CHECK(w.kept.load().error().code == errc::not_found);
  w.kept.rewrite("state", at(1), w.note);
  w.kept.append({said("a", "1"), said("b", "", true)}, at(2), w.note);
  w.kept.mark_alive(at(4));
  CHECK_FALSE(w.failed.has_value());
  const auto content = w.kept.load();
  REQUIRE(content.has_value());
  CHECK(content->snapshot == "state");
  REQUIRE(content->messages.size() == 2);
  CHECK(content->messages[0].what == said("a", "1").what);
  CHECK(content->messages[1].what == said("b", "", true).what);
  CHECK(content->last_alive == at(4));

  w.kept.rewrite("new", at(5), w.note);
  CHECK(w.kept.load()->messages.empty());
  w.kept.remove();
  CHECK(w.kept.load().error().code == errc::not_found);
  w.kept.append({said("a", "1")}, at(6), w.note);
  CHECK(w.failed == errc::unavailable);
}

TEST_CASE("journal: a torn end is cut off, a damaged beginning is an error", "[live]") {
  world w;
  w.kept.rewrite("state", at(1), w.note);
  w.kept.append({said("a", "1"), said("b", "2")}, at(2), w.note);
  auto file = w.disk.open("live.journal", open_mode::existing).value();
  const auto size = file->size().value();
  REQUIRE(file->write_at(size - 1, "x").has_value());
  REQUIRE(w.kept.load().has_value());
  CHECK(w.kept.load()->messages.size() == 1);
  REQUIRE(file->write_at(9, "x").has_value());
  CHECK(w.kept.load().error().code == errc::corrupt);
}

TEST_CASE("journal: after a failed write nothing is left that could be taken for the whole",
          "[live]") {
  world w;
  w.kept.rewrite("state", at(1), w.note);
  w.disk.set_free_bytes(0);
  w.kept.append({said("a", std::string(100'000, 'x'))}, at(2), w.note);
  CHECK(w.failed.has_value());
  w.disk.set_free_bytes(std::nullopt);
  CHECK(w.kept.load().error().code == errc::not_found);
  w.kept.append({said("a", "1")}, at(3), w.note);
  CHECK(w.failed == errc::unavailable);
  w.kept.rewrite("state", at(4), w.note);
  CHECK_FALSE(w.failed.has_value());
}

#include "daemon/certificates.hpp"

#include <catch2/catch.hpp>

#include "tests/support/certificates.hpp"

using namespace linkd;
using namespace linkd::test;
using std::chrono::hours;

namespace {

struct counting_log : logger {
  void write(log_level level, std::string_view event, std::string_view,
             std::string_view text) override {
    CHECK(level == log_level::warning);
    CHECK(event == "certificate_expires");
    lines.emplace_back(text);
  }
  std::vector<std::string> lines;
};

stamp now() {
  return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

TEST_CASE("certificates: each file that is named counts, once") {
  daemon_settings daemon;
  daemon.broker.tls.ca_file = "ca";
  daemon.listen.emplace().tls = {"ca", "ours", "key", true, ""};
  link_settings link;
  link.tls.cert_file = "client";
  CHECK(daemon::certificate_files(daemon, {link, link}) ==
        std::vector<std::string>{"ca", "client", "ours"});
}

TEST_CASE("certificates: one that ends within 14 days is warned about, once a day") {
  test::certificates files;
  files.make("soon", {.days = 10});
  files.make("late", {.days = 100});
  const std::string soon = files.path("soon.crt"), late = files.path("late.crt");
  counting_log log;
  daemon::certificates watch(log);
  const stamp start = now();
  watch.check({late, soon, "/no/such/file"}, start, false);
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines[0] == soon + " expires in 9 days: replace it");
  REQUIRE(watch.expiries().size() == 2);
  CHECK(watch.expiries().at(late) - start > hours(24 * 99));
  watch.check({late, soon}, start + hours(23), true);
  CHECK(log.lines.size() == 1);
  watch.check({late, soon}, start + hours(25), false);
  CHECK(log.lines.size() == 2);
  watch.check({late, soon}, start + hours(24 * 11), true);
  CHECK(log.lines.back() == soon + " has expired: replace it");
}

TEST_CASE("certificates: a new file under the old name is seen when told to look again") {
  test::certificates files;
  files.make("ours", {.days = 10});
  const std::string file = files.path("ours.crt");
  counting_log log;
  daemon::certificates watch(log);
  const stamp start = now();
  watch.check({file}, start, false);
  files.make("ours", {.days = 100});
  watch.check({file}, start, false);
  CHECK(watch.expiries().at(file) - start < hours(24 * 11));
  watch.check({file}, start, true);
  CHECK(watch.expiries().at(file) - start > hours(24 * 99));
}

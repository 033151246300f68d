#include "live/log_line.hpp"

#include <catch2/catch.hpp>

using namespace linkd::live;

namespace {

template <class Line>
Line parsed(log_kind kind, std::string_view payload) {
  const auto line = parse_log_line(kind, payload);
  CAPTURE(payload);
  REQUIRE(std::holds_alternative<Line>(line));
  return std::get<Line>(line);
}

using subscriptions = std::vector<subscription>;

}  // namespace

TEST_CASE("log line: topics of the log", "[live]") {
  CHECK(log_kind_of("$SYS/broker/log/N") == log_kind::notice);
  CHECK(log_kind_of("$SYS/broker/log/M/subscribe") == log_kind::subscribe);
  CHECK(log_kind_of("$SYS/broker/log/M/unsubscribe") == log_kind::unsubscribe);
  CHECK_FALSE(log_kind_of("$SYS/broker/log/E"));
  CHECK_FALSE(log_kind_of("$SYS/broker/uptime"));
}

TEST_CASE("log line: subscriptions, with whatever stands for the time", "[live]") {
  for (const auto* time :
       {"1795361914: ", "2026-11-25T08:01:02: ", "2026-11-25 08:01:02+01: ", ""}) {
    const auto line = parsed<subscribed_line>(log_kind::subscribe, std::string(time) + "c1 1 a/#");
    CAPTURE(time);
    CHECK(line.readings == subscriptions{{"c1", "a/#"}});
  }
  CHECK(parsed<subscribed_line>(log_kind::subscribe, "1: c 2 $share/g/f").readings ==
        subscriptions{{"c", "$share/g/f"}});
  CHECK(parsed<unsubscribed_line>(log_kind::unsubscribe, "1795361914: c1 b/+").readings ==
        subscriptions{{"c1", "b/+"}});
  CHECK(parsed<subscribed_line>(log_kind::subscribe, "1: nothing").readings.empty());
}

TEST_CASE("log line: an id or filter with spaces has every reading", "[live]") {
  CHECK(parsed<subscribed_line>(log_kind::subscribe, "1: we ird 1 id 1 top ic 0 fake/#").readings ==
        subscriptions{{"we ird", "id 1 top ic 0 fake/#"},
                      {"we ird 1 id", "top ic 0 fake/#"},
                      {"we ird 1 id 1 top ic", "fake/#"}});
  CHECK(parsed<unsubscribed_line>(log_kind::unsubscribe, "1: a b c").readings ==
        subscriptions{{"a", "b c"}, {"a b", "c"}});
  std::string many = "1: a";
  for (int i = 0; i < 100; ++i) many += " 1 b";
  CHECK(parsed<subscribed_line>(log_kind::subscribe, many).readings.empty());
}

TEST_CASE("log line: a filter that was cut off is covered", "[live]") {
  std::string line = "1795361914: c1 1 a/b/" + std::string(2000, 'x');
  line.resize(999);
  CHECK(parsed<subscribed_line>(log_kind::subscribe, line).readings ==
        subscriptions{{"c1", "a/b/#"}});
}

TEST_CASE("log line: connections of mosquitto 2.0 and 2.1", "[live]") {
  struct row {
    const char *line, *client;
    bool mqtt5, clean;
  };
  const auto each = GENERATE(values<row>({
      {"1: New client connected from 127.0.0.1:53840 as c1 (p5, c1, k60).", "c1", true, true},
      {"1: New client connected from 127.0.0.1:53840 as c1 (p2, c0, k0).", "c1", false, false},
      {"1: New client connected from ::1:53840 as c1 (p4, c1, k60).", "c1", false, true},
      {"1: New client connected from 127.0.0.1:1 as a as b (p2, c1, k60, u'me').", "a as b", false,
       true},
      {"1: New client connected from 127.0.0.1:1 as x (y) (p2, c1, k60).", "x (y)", false, true},
  }));
  const auto line = parsed<connected_line>(log_kind::notice, each.line);
  REQUIRE(line.readings.size() == 1);
  CHECK(line.readings[0].client == each.client);
  CHECK(line.readings[0].mqtt5 == each.mqtt5);
  CHECK(line.readings[0].clean == each.clean);
}

TEST_CASE("log line: a user name made to look like another client has two readings", "[live]") {
  const auto line = parsed<connected_line>(
      log_kind::notice,
      "1: New client connected from 1.2.3.4:1 as v (p2, c1, k60, u'x (p5, c0, k1, u'y').");
  REQUIRE(line.readings.size() == 2);
  CHECK(line.readings[0].client == "v");
}

TEST_CASE("log line: ends of connections of mosquitto 2.0 and 2.1", "[live]") {
  struct row {
    const char* line;
    bool orderly;
  };
  const auto each = GENERATE(values<row>({
      {"1: Client c 1 disconnected.", true},
      {"1: Client c 1 closed its connection.", true},
      {"1: Client c 1 has exceeded timeout, disconnecting.", true},
      {"1: Client c 1 been disconnected by administrative action.", true},
      {"1: Client c 1 disconnected due to protocol error.", false},
      {"1: Client c 1 disconnected, not authorised.", false},
      {"1: Client c 1 disconnected: Connection reset by peer.", false},
      {"1: Bad socket read/write on client c 1: The connection was lost.", false},
      {"1: Client c 1 [127.0.0.1:55314] disconnected.", true},
      {"1: Client c 1 [127.0.0.1:55314] disconnected: session taken over.", true},
      {"1: Client c 1 [127.0.0.1:55314] disconnected: connection closed by client.", true},
      {"1: Client c 1 [127.0.0.1:55314] disconnected: some new reason.", false},
  }));
  CAPTURE(each.line);
  const auto line = parsed<ended_line>(log_kind::notice, each.line);
  REQUIRE_FALSE(line.readings.empty());
  CHECK(line.readings[0].client == "c 1");
  CHECK(line.readings[0].orderly == each.orderly);
}

TEST_CASE("log line: expiry, dropped messages, and what does not concern us", "[live]") {
  CHECK(parsed<expired_line>(log_kind::notice, "1: Expiring client p 2 due to timeout.").client ==
        "p 2");
  CHECK(parsed<dropping_line>(log_kind::notice,
                              "1: Outgoing messages are being dropped for client x:live.")
            .client == "x:live");
  for (const auto* line : {"1: New connection from 127.0.0.1:46424 on port 21883.", "", "1: ",
                           "1: Client c1 does something new", "1: New client connected from x"}) {
    CAPTURE(line);
    const auto parsed_line = parse_log_line(log_kind::notice, line);
    const auto* connected = std::get_if<connected_line>(&parsed_line);
    CHECK((std::holds_alternative<std::monostate>(parsed_line) ||
           (connected && connected->readings.empty())));
  }
}

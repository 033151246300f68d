// What crosses between two brokers, and how.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "tests/interop/stage.hpp"
#include "tests/support/eventually.hpp"

using namespace linkd;
using namespace linkd::test;
using namespace std::chrono_literals;

namespace {

std::size_t count(const std::vector<message>& arrivals, const std::string& payload) {
  return static_cast<std::size_t>(std::ranges::count(arrivals, payload, &message::payload));
}

// Where the message with this payload arrived; empty: nowhere.
std::string topic_of(const std::vector<message>& arrivals, const std::string& payload) {
  const auto found = std::ranges::find(arrivals, payload, &message::payload);
  return found == arrivals.end() ? "" : found->topic;
}

}  // namespace

TEST_CASE("interop: each side gets what it wants and nothing else") {
  const auto pair = GENERATE(from_range(all_pairs()));
  const auto how = GENERATE(transport::mqtt, transport::ws);
  CAPTURE(pair, how);
  stage s({.pair = pair,
           .scenario = how == transport::mqtt ? "both ways, mqtt" : "both ways, ws",
           .how = how,
           .wanted_by_a = {"wanted/by-a", "probe"},
           .wanted_by_b = {"wanted/by-b", "probe"}},
          "probe");
  for (int i = 0; i < 50; ++i) {
    const std::string number = std::to_string(i);
    s.at_a->publish(text_message("not/wanted/" + number, "no"));
    s.at_b->publish(text_message("not/wanted/" + number, "no"));
    s.at_a->publish(text_message("wanted/by-b", "from A " + number));
    s.at_b->publish(text_message("wanted/by-a", "from B " + number));
  }
  REQUIRE(s.carries("probe"));
  for (int i = 0; i < 50; ++i) {
    REQUIRE(count(s.arrivals_at_b(), "from A " + std::to_string(i)) == 1);
    REQUIRE(count(s.arrivals_at_a(), "from B " + std::to_string(i)) == 1);
  }
  // Its own client hears the unwanted ones, perhaps a little later; the other side's must not.
  REQUIRE(eventually(patience, [&] {
    return count(s.arrivals_at_a(), "no") >= 50 && count(s.arrivals_at_b(), "no") >= 50;
  }));
  REQUIRE(count(s.arrivals_at_a(), "no") == 50);
  REQUIRE(count(s.arrivals_at_b(), "no") == 50);
}

TEST_CASE("interop: with # on both sides every message is everywhere once, without echo") {
  const auto pair = GENERATE(from_range(all_pairs()));
  const auto how = GENERATE(transport::mqtt, transport::ws);
  CAPTURE(pair, how);
  stage s({.pair = pair,
           .scenario = how == transport::mqtt ? "# both ways, mqtt" : "# both ways, ws",
           .how = how,
           .wanted_by_a = {"#"},
           .wanted_by_b = {"#"}},
          "probe");
  constexpr std::size_t each = 200;
  for (std::size_t i = 0; i < each; ++i) {
    s.at_a->publish(numbered("from/A", i));
    s.at_b->publish(numbered("from/B", i));
    s.at_a->publish(text_message("same/topic", "same payload"));
    s.at_b->publish(text_message("same/topic", "same payload"));
  }
  REQUIRE(eventually(2 * patience, [&] {
    return s.arrivals_at_a().size() >= 4 * each && s.arrivals_at_b().size() >= 4 * each;
  }));
  REQUIRE(s.carries("probe"));  // behind any echo
  REQUIRE(s.carries("probe"));
  for (const auto& arrivals : {s.arrivals_at_a(), s.arrivals_at_b()}) {
    REQUIRE(compare(each, "from/A", arrivals) == ledger{});
    REQUIRE(compare(each, "from/B", arrivals) == ledger{});
    REQUIRE(count(arrivals, "same payload") == 2 * each);
    REQUIRE(arrivals.size() == 4 * each);
  }
}

TEST_CASE("interop: filters that overlap, wanted by both sides, bring each message once") {
  const auto pair = GENERATE(from_range(all_pairs()));
  CAPTURE(pair);
  stage s({.pair = pair,
           .scenario = "overlapping filters",
           .wanted_by_a = {"o/#", "+/1/x"},
           .wanted_by_b = {"o/#", "+/1/x"},
           .filters_at_a = {"o/#"},
           .filters_at_b = {"o/#"}},
          "o/probe");
  REQUIRE(s.carries("o/1/x"));  // both filters are there
  constexpr std::size_t each = 100;
  for (std::size_t i = 0; i < each; ++i) {
    s.at_a->publish(text_message("o/1/x", "A" + std::to_string(i)));
    s.at_b->publish(text_message("o/1/x", "B" + std::to_string(i)));
  }
  REQUIRE(eventually(patience, [&] {
    return s.arrivals_at_a().size() >= 2 * each && s.arrivals_at_b().size() >= 2 * each;
  }));
  REQUIRE(s.carries("o/1/x"));
  REQUIRE(s.carries("o/1/x"));
  for (const auto& arrivals : {s.arrivals_at_a(), s.arrivals_at_b()}) {
    REQUIRE(arrivals.size() == 2 * each);
    for (std::size_t i = 0; i < each; ++i) {
      REQUIRE(count(arrivals, "A" + std::to_string(i)) == 1);
      REQUIRE(count(arrivals, "B" + std::to_string(i)) == 1);
    }
  }
}

TEST_CASE("interop: properties arrive where both ends have them") {
  const auto pair = GENERATE(from_range(all_pairs()));
  CAPTURE(pair);
  stage s({.pair = pair, .scenario = "properties", .wanted_by_b = {"#"}}, "probe");
  message what = text_message("with/properties", "payload");
  what.properties.payload_format_indicator = 1;
  what.properties.content_type = "text/plain";
  what.properties.response_topic = "answers/here";
  what.properties.correlation_data = bytes("\0\x01", 2);
  what.properties.user_properties = {{"k", "1"}, {"k", "2"}, {"", "no name"}};
  if (!s.mqtt5_at(s.a)) what.properties = {};
  s.at_a->publish(what);
  REQUIRE(eventually(patience, [&] { return s.arrivals_at_b().size() == 1; }));
  const message arrived = s.arrivals_at_b().front();
  REQUIRE(arrived.payload == "payload");
  for (const site* where : {&s.a, &s.b}) {
    if (!s.mqtt5_at(*where)) s.verdict.impossible(s.name_of(*where) + ": MQTT 3.1.1 has none");
  }
  if (s.mqtt5_at(s.a) && s.mqtt5_at(s.b)) {
    REQUIRE((arrived.properties == what.properties));
  } else {
    REQUIRE((arrived.properties == publish_properties{}));
  }
}

TEST_CASE("interop: a message published with the retain flag is retained at the other side") {
  const auto pair = GENERATE(from_range(all_pairs()));
  CAPTURE(pair);
  stage s({.pair = pair, .scenario = "retained", .wanted_by_b = {"#"}}, "probe");
  message what = text_message("kept/state", "state");
  what.retain = true;
  s.at_a->publish(what);
  s.at_a->publish(text_message("kept/last", "last"));
  REQUIRE(eventually(patience, [&] {
    return count(s.arrivals_at_b(), "state") == 1 && count(s.arrivals_at_b(), "last") == 1;
  }));
  // A message to the same client behind the stored one, so that its absence is seen.
  const auto stored = [&](const std::string& id, const std::string& filter) {
    mqtt_peer late(s.client_of(s.b, id, {filter}));
    late.publish(text_message("kept/state", "behind"));
    REQUIRE(eventually(patience, [&] { return count(late.arrivals(), "behind") == 1; }));
    return count(late.arrivals(), "state") == 1;
  };
  const bool exact = stored("late-exact", "kept/state");
  const bool by_wildcard = stored("late-wildcard", "kept/+");
  if (!s.mqtt5_at(s.a)) {
    REQUIRE_FALSE(exact);
    s.verdict.impossible(s.name_of(s.a) + ": MQTT 3.1.1 hides the flag of a live message");
  } else {
    REQUIRE(exact);
    if (!by_wildcard) {
      REQUIRE_FALSE(s.b.broker().traits().retained_by_wildcard);
      s.verdict.impossible(s.name_of(s.b) + ": only a subscription to the exact topic gets it");
    }
  }
}

TEST_CASE("interop: a message that waits too long expires") {
  const auto pair = GENERATE(from_range(all_pairs()));
  CAPTURE(pair);
  stage s({.pair = pair, .scenario = "expiry", .wanted_by_b = {"#"}}, "probe");
  if (!s.mqtt5_at(s.a)) {
    s.verdict.impossible(s.name_of(s.a) + ": MQTT 3.1.1 has no expiry");
    return;
  }
  REQUIRE(eventually(patience, [&] { return s.idle(); }));
  REQUIRE(s.b.stop_daemon() == 0);
  message short_lived = text_message("news", "old");
  short_lived.properties.message_expiry_interval_s = 1;
  s.at_a->publish(short_lived);
  s.at_a->publish(text_message("news", "new"));
  REQUIRE(eventually(patience, [&] { return s.a.waiting_for("B") == 2; }));
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(eventually(patience, [&] { return std::chrono::steady_clock::now() - begin > 2500ms; }));
  s.b.start_daemon();
  REQUIRE(eventually(patience, [&] { return count(s.arrivals_at_b(), "new") == 1; }));
  REQUIRE(count(s.arrivals_at_b(), "old") == 0);
}

TEST_CASE("interop: large messages arrive whole") {
  const auto pair = GENERATE(from_range(all_pairs()));
  CAPTURE(pair);
  stage s({.pair = pair, .scenario = "4 MiB", .wanted_by_a = {"#"}, .wanted_by_b = {"#"}}, "probe");
  const std::string from_a(4u << 20, 'a');
  const std::string from_b(4u << 20, 'b');
  s.at_a->publish(text_message("large", from_a));
  s.at_b->publish(text_message("large", from_b));
  REQUIRE(eventually(2 * patience, [&] {
    return s.arrivals_at_b().size() >= 2 && s.arrivals_at_a().size() >= 2;
  }));
  REQUIRE(s.carries("probe"));
  for (const auto& arrivals : {s.arrivals_at_a(), s.arrivals_at_b()}) {
    REQUIRE(arrivals.size() == 2);
    REQUIRE(count(arrivals, from_a) == 1);
    REQUIRE(count(arrivals, from_b) == 1);
  }
}

TEST_CASE("interop: a topic arrives as it is, or the message is a dead letter, and others flow") {
  const auto pair = GENERATE(from_range(all_pairs()));
  CAPTURE(pair);
  stage s({.pair = pair, .scenario = "odd topics", .wanted_by_b = {"#"}}, "probe");
  std::string deep = "d";
  for (int i = 0; i < 120; ++i) deep += "/d";
  const std::map<std::string, std::string> odd = {{"dots", "with.dot/x"},
                                                  {"spaces", "with space/x"},
                                                  {"commas", "one,two;three"},
                                                  {"stars", "star*/x"},
                                                  {">", "greater>/x"},
                                                  {"unicode", "ünïcödé/日本語"},
                                                  {"a leading /", "/leading"},
                                                  {"a trailing /", "trailing/"},
                                                  {"empty levels", "a//b"},
                                                  {"120 levels", deep},
                                                  {"1000 bytes", std::string(1000, 'l')}};
  for (const auto& [kind, topic] : odd) {
    CAPTURE(kind);
    const auto rejected = [&] {
      return s.b.metric("mqtt_linkd_messages_dropped_total", {"link=\"A\"", "reason=\"rejected\""});
    };
    const double before = rejected();
    // A client of its own: some brokers close the connection.
    mqtt_peer publisher(s.client_of(s.a, "odd", {}));
    publisher.publish(text_message(topic, kind));
    if (!publisher.await_accepted(1, 2s)) {
      s.verdict.impossible(s.name_of(s.a) + " takes no " + kind);
      continue;
    }
    // What A itself tells its own client, and under which name, is what can cross.
    const std::string at_a = [&] {
      eventually(5s, [&] { return !topic_of(s.arrivals_at_a(), kind).empty(); });
      return topic_of(s.arrivals_at_a(), kind);
    }();
    if (at_a != topic) {
      s.verdict.impossible(s.name_of(s.a) +
                           (at_a.empty() ? " delivers no " + kind : " renames " + kind));
      continue;
    }
    REQUIRE(eventually(patience, [&] {
      return rejected() > before || topic_of(s.arrivals_at_b(), kind) == topic;
    }));
    if (rejected() > before)
      s.verdict.impossible(s.name_of(s.b) + ": " + kind + " are dead letters");
  }
  REQUIRE(s.carries("probe"));
}

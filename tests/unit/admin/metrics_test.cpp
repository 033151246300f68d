#include <catch2/catch.hpp>
#include <limits>

#include "admin/metrics.hpp"
#include "exposition.hpp"

using namespace linkd;
using admin::metrics_text;
using test::exposition;
using test::parse_exposition;

namespace {

using labels = exposition::labels;

link::link_status link_named(std::string name) {
  link::link_status status;
  status.name = std::move(name);
  status.reason = "starting";
  return status;
}

exposition page_of(const link::deployment_status& deployment,
                   const admin::process_status& process = {}) {
  const std::string text = metrics_text(deployment, process);
  INFO(text);
  return parse_exposition(text);
}

double value_of(const exposition& page, const std::string& name, const labels& of = {}) {
  CAPTURE(name, of);
  const auto found = page.samples.find({name, of});
  REQUIRE(found != page.samples.end());
  return found->second;
}

// DESIGN section 9.
const std::map<std::string, std::string> contract{
    {"mqtt_linkd_build_info", "gauge"},
    {"mqtt_linkd_broker_up", "gauge"},
    {"mqtt_linkd_link_up", "gauge"},
    {"mqtt_linkd_link_state", "gauge"},
    {"mqtt_linkd_link_connects_total", "counter"},
    {"mqtt_linkd_broker_sessions_lost_total", "counter"},
    {"mqtt_linkd_messages_captured_total", "counter"},
    {"mqtt_linkd_messages_sent_total", "counter"},
    {"mqtt_linkd_messages_acked_total", "counter"},
    {"mqtt_linkd_messages_received_total", "counter"},
    {"mqtt_linkd_messages_published_total", "counter"},
    {"mqtt_linkd_messages_dropped_total", "counter"},
    {"mqtt_linkd_payload_bytes_total", "counter"},
    {"mqtt_linkd_wire_bytes_total", "counter"},
    {"mqtt_linkd_queue_messages", "gauge"},
    {"mqtt_linkd_queue_bytes", "gauge"},
    {"mqtt_linkd_queue_limit_bytes", "gauge"},
    {"mqtt_linkd_queue_oldest_timestamp_seconds", "gauge"},
    {"mqtt_linkd_inflight_bytes", "gauge"},
    {"mqtt_linkd_interest_filters", "gauge"},
    {"mqtt_linkd_interest_updates_total", "counter"},
    {"mqtt_linkd_interest_topics", "gauge"},
    {"mqtt_linkd_interest_wanted", "gauge"},
    {"mqtt_linkd_interest_summarized", "gauge"},
    {"mqtt_linkd_interest_complete", "gauge"},
    {"mqtt_linkd_interest_local_filters", "gauge"},
    {"mqtt_linkd_capture_filters", "gauge"},
    {"mqtt_linkd_delivery_latency_seconds", "histogram"},
    {"mqtt_linkd_link_rtt_seconds", "gauge"},
    {"mqtt_linkd_commit_seconds", "histogram"},
    {"mqtt_linkd_config_last_reload_successful", "gauge"},
    {"mqtt_linkd_config_last_reload_timestamp_seconds", "gauge"},
    {"mqtt_linkd_certificate_expiry_timestamp_seconds", "gauge"}};

}  // namespace

TEST_CASE("metrics: exactly the families of the contract, with or without links", "[admin]") {
  link::deployment_status deployment;
  CHECK(page_of(deployment).types == contract);
  deployment.links = {link_named("london"), link_named("tokyo")};
  CHECK(page_of(deployment).types == contract);
}

TEST_CASE("metrics: every series of a new link is there, at 0", "[admin]") {
  link::deployment_status deployment;
  deployment.links = {link_named("london")};
  deployment.links[0].state = link::link_state::down;
  const exposition page = page_of(deployment);
  for (const std::string name :
       {"link_up", "link_connects_total", "messages_sent_total", "messages_acked_total",
        "messages_received_total", "messages_published_total", "queue_messages", "queue_bytes",
        "queue_limit_bytes", "queue_oldest_timestamp_seconds", "inflight_bytes", "link_rtt_seconds",
        "delivery_latency_seconds_count", "delivery_latency_seconds_sum"}) {
    CHECK(value_of(page, "mqtt_linkd_" + name, {{"link", "london"}}) == 0);
  }
  for (const std::string name :
       {"payload_bytes_total", "wire_bytes_total", "interest_filters", "interest_updates_total"}) {
    for (const std::string direction : {"in", "out"}) {
      const labels of{{"link", "london"}, {"direction", direction}};
      CHECK(value_of(page, "mqtt_linkd_" + name, of) == 0);
    }
  }
  for (const std::string reason : {"overflow", "age", "expired", "oversize", "loop", "rejected",
                                   "not_wanted", "damaged", "qos0_down", "purged"}) {
    const labels of{{"link", "london"}, {"reason", reason}};
    CHECK(value_of(page, "mqtt_linkd_messages_dropped_total", of) == 0);
  }
  for (const std::string state :
       {"disabled", "connecting", "handshaking", "up", "refused", "down", "paused"}) {
    const labels of{{"link", "london"}, {"state", state}};
    CHECK(value_of(page, "mqtt_linkd_link_state", of) == (state == "down" ? 1 : 0));
  }
  CHECK(value_of(page, "mqtt_linkd_broker_up") == 0);
  CHECK(value_of(page, "mqtt_linkd_messages_captured_total") == 0);
  CHECK(value_of(page, "mqtt_linkd_commit_seconds_count") == 0);
}

TEST_CASE("metrics: each value stands in its own series", "[admin]") {
  link::deployment_status deployment;
  deployment.broker.up = true;
  deployment.messages_captured = 1;
  auto& london = deployment.links.emplace_back(link_named("london"));
  london.state = link::link_state::up;
  london.counters.connects = 2;
  london.counters.messages_queued = 3;
  london.counters.messages_sent = 4;
  london.counters.messages_acked = 5;
  london.counters.messages_received = 6;
  london.counters.messages_published = 7;
  for (std::size_t i = 0; i < link::drop_reason_count; ++i) london.counters.dropped[i] = 100 + i;
  london.counters.payload_bytes_in = 8;
  london.counters.payload_bytes_out = 9;
  london.counters.wire_bytes_in = 10;
  london.counters.wire_bytes_out = 11;
  london.counters.interest_updates_in = 12;
  london.counters.interest_updates_out = 13;
  london.queue_messages = 14;
  london.queue_bytes = 15;
  london.queue_limit_bytes = 1ull << 40;
  london.queue_oldest = stamp(milliseconds(1'795'370'400'125));
  london.inflight_bytes = 17;
  london.interest_filters_in = 18;
  london.interest_filters_out = 19;
  london.interest_topics = 20;
  london.interest_wanted = 21;
  london.interest_summarized = true;
  london.round_trip = microseconds(2500);
  deployment.interest = {interest_source::mosquitto, false, "r", 22};
  deployment.capture_filters = 23;
  const admin::process_status process{
      "1.2.3", false, stamp(seconds(1000)), {{"/etc/a.pem", stamp(seconds(2000))}}};
  const exposition page = page_of(deployment, process);

  const labels link{{"link", "london"}};
  const std::map<std::string, double> of_link{{"link_up", 1},
                                              {"link_connects_total", 2},
                                              {"messages_sent_total", 4},
                                              {"messages_acked_total", 5},
                                              {"messages_received_total", 6},
                                              {"messages_published_total", 7},
                                              {"queue_messages", 14},
                                              {"queue_bytes", 15},
                                              {"queue_limit_bytes", 1099511627776.0},
                                              {"queue_oldest_timestamp_seconds", 1795370400.125},
                                              {"inflight_bytes", 17},
                                              {"interest_topics", 20},
                                              {"interest_wanted", 21},
                                              {"interest_summarized", 1},
                                              {"link_rtt_seconds", 0.0025}};
  for (const auto& [name, value] : of_link) {
    CHECK(value_of(page, "mqtt_linkd_" + name, link) == value);
  }
  const std::map<std::string, std::pair<double, double>> directed{
      {"payload_bytes_total", {8, 9}},
      {"wire_bytes_total", {10, 11}},
      {"interest_updates_total", {12, 13}},
      {"interest_filters", {18, 19}}};
  for (const auto& [name, value] : directed) {
    CHECK(value_of(page, "mqtt_linkd_" + name, {{"link", "london"}, {"direction", "in"}}) ==
          value.first);
    CHECK(value_of(page, "mqtt_linkd_" + name, {{"link", "london"}, {"direction", "out"}}) ==
          value.second);
  }
  double expected = 100;
  for (const auto reason : link::all_drop_reasons) {
    const labels of{{"link", "london"}, {"reason", std::string(to_string(reason))}};
    CHECK(value_of(page, "mqtt_linkd_messages_dropped_total", of) == expected++);
  }
  CHECK(value_of(page, "mqtt_linkd_broker_up") == 1);
  CHECK(value_of(page, "mqtt_linkd_messages_captured_total") == 1);
  CHECK(value_of(page, "mqtt_linkd_interest_complete") == 0);
  CHECK(value_of(page, "mqtt_linkd_interest_local_filters") == 22);
  CHECK(value_of(page, "mqtt_linkd_capture_filters") == 23);
  CHECK(value_of(page, "mqtt_linkd_build_info", {{"version", "1.2.3"}}) == 1);
  CHECK(value_of(page, "mqtt_linkd_config_last_reload_successful") == 0);
  CHECK(value_of(page, "mqtt_linkd_config_last_reload_timestamp_seconds") == 1000);
  CHECK(value_of(page, "mqtt_linkd_certificate_expiry_timestamp_seconds",
                 {{"file", "/etc/a.pem"}}) == 2000);
}

TEST_CASE("metrics: histograms are cumulative and end at +Inf with the count", "[admin]") {
  link::deployment_status deployment;
  for (const auto value : {microseconds(500), microseconds(600), microseconds(7'200'000'000)}) {
    deployment.commit_time.observe(value);
  }
  const exposition page = page_of(deployment);
  double last = 0;
  double last_bound = 0;
  std::size_t buckets = 0;
  std::map<double, double> by_bound;
  for (const auto& [series, value] : page.samples) {
    if (series.first == "mqtt_linkd_commit_seconds_bucket") {
      by_bound[std::stod(series.second.at("le"))] = value;
    }
  }
  for (const auto& [bound, value] : by_bound) {
    CHECK(bound > last_bound);
    CHECK(value >= last);
    last = value;
    last_bound = bound;
    ++buckets;
  }
  CHECK(buckets == histogram::bounds_s.size() + 1);
  CHECK(by_bound[0.0005] == 1);
  CHECK(by_bound[0.001] == 2);
  CHECK(by_bound[3600] == 2);
  CHECK(by_bound[std::numeric_limits<double>::infinity()] == 3);
  CHECK(value_of(page, "mqtt_linkd_commit_seconds_count") == 3);
  CHECK(value_of(page, "mqtt_linkd_commit_seconds_sum") == Approx(7200.0011));
}

TEST_CASE("metrics: a label cannot break out of its quotes", "[admin]") {
  const std::string evil = "a\"} 1\nmqtt_linkd_broker_up 1\n#\\";
  link::deployment_status deployment;
  deployment.links = {link_named(evil)};
  const exposition page = page_of(deployment);
  CHECK(value_of(page, "mqtt_linkd_link_up", {{"link", evil}}) == 0);
  CHECK(value_of(page, "mqtt_linkd_broker_up") == 0);
}

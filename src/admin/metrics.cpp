#include "admin/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <utility>

namespace linkd::admin {

namespace {

using link::link_status;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;

// A family with one series a link.
struct link_metric {
  MetricType type;
  const char* name;
  const char* help;
  double (*value)(const link_status&);
};

// A family with two series a link, direction="in" and "out".
struct directed_metric {
  MetricType type;
  const char* name;
  const char* help;
  std::pair<std::uint64_t, std::uint64_t> (*in_and_out)(const link_status&);
};

template <class Duration>
double as_seconds(Duration time) {
  return std::chrono::duration<double>(time).count();
}

double as_number(std::uint64_t count) {
  return static_cast<double>(count);
}

constexpr link_metric link_metrics[] = {
    {MetricType::Gauge, "mqtt_linkd_link_up", "1 while the link's session is established.",
     [](const link_status& l) { return l.state == link::link_state::up ? 1.0 : 0.0; }},
    {MetricType::Counter, "mqtt_linkd_link_connects_total", "Sessions established.",
     [](const link_status& l) { return as_number(l.counters.connects); }},
    {MetricType::Counter, "mqtt_linkd_messages_sent_total",
     "Messages handed to the transport, repetitions included.",
     [](const link_status& l) { return as_number(l.counters.messages_sent); }},
    {MetricType::Counter, "mqtt_linkd_messages_acked_total",
     "Messages the peer has taken over, gone from the queue.",
     [](const link_status& l) { return as_number(l.counters.messages_acked); }},
    {MetricType::Counter, "mqtt_linkd_messages_received_total",
     "New messages taken over from the peer.",
     [](const link_status& l) { return as_number(l.counters.messages_received); }},
    {MetricType::Counter, "mqtt_linkd_messages_published_total",
     "Messages from the peer that the local broker has accepted.",
     [](const link_status& l) { return as_number(l.counters.messages_published); }},
    {MetricType::Gauge, "mqtt_linkd_queue_messages", "Messages waiting for the peer.",
     [](const link_status& l) { return as_number(l.queue_messages); }},
    {MetricType::Gauge, "mqtt_linkd_queue_bytes", "Size of the queue on disk.",
     [](const link_status& l) { return as_number(l.queue_bytes); }},
    {MetricType::Gauge, "mqtt_linkd_queue_limit_bytes", "queue.max_bytes.",
     [](const link_status& l) { return as_number(l.queue_limit_bytes); }},
    {MetricType::Gauge, "mqtt_linkd_queue_oldest_timestamp_seconds",
     "Capture time of the oldest message waiting; 0: none is.",
     [](const link_status& l) {
       return l.queue_oldest ? as_seconds(l.queue_oldest->time_since_epoch()) : 0.0;
     }},
    {MetricType::Gauge, "mqtt_linkd_inflight_bytes", "Sent to the peer and not yet acknowledged.",
     [](const link_status& l) { return as_number(l.inflight_bytes); }},
    {MetricType::Gauge, "mqtt_linkd_interest_topics",
     "Filters of `topics`: what we may ask of the peer.",
     [](const link_status& l) { return as_number(l.interest_topics); }},
    {MetricType::Gauge, "mqtt_linkd_interest_wanted",
     "Intersections of `topics` with what local clients are subscribed to, or `topics`.",
     [](const link_status& l) { return as_number(l.interest_wanted); }},
    {MetricType::Gauge, "mqtt_linkd_interest_summarized",
     "1 while wider filters are asked for, as there are too many wanted.",
     [](const link_status& l) { return l.interest_summarized ? 1.0 : 0.0; }},
    {MetricType::Gauge, "mqtt_linkd_link_rtt_seconds",
     "Round trip of the last heartbeat; 0: unknown.",
     [](const link_status& l) { return l.round_trip ? as_seconds(*l.round_trip) : 0.0; }},
};

constexpr directed_metric directed_metrics[] = {
    {MetricType::Counter, "mqtt_linkd_payload_bytes_total",
     "Application payload carried from (in) and to (out) the peer.",
     [](const link_status& l) {
       return std::pair(l.counters.payload_bytes_in, l.counters.payload_bytes_out);
     }},
    {MetricType::Counter, "mqtt_linkd_wire_bytes_total",
     "Frames carried from (in) and to (out) the peer.",
     [](const link_status& l) {
       return std::pair(l.counters.wire_bytes_in, l.counters.wire_bytes_out);
     }},
    {MetricType::Gauge, "mqtt_linkd_interest_filters",
     "Filters the peer asks of us (in) and we ask of the peer (out).",
     [](const link_status& l) { return std::pair(l.interest_filters_in, l.interest_filters_out); }},
    {MetricType::Counter, "mqtt_linkd_interest_updates_total",
     "Interest frames from (in) and to (out) the peer.",
     [](const link_status& l) {
       return std::pair(l.counters.interest_updates_in, l.counters.interest_updates_out);
     }},
};

labels of_link(const link_status& link) {
  return {{"link", link.name}};
}

labels of_link(const link_status& link, std::string name, std::string_view value) {
  return {{"link", link.name}, {std::move(name), std::string(value)}};
}

ClientMetric sample(labels of, MetricType type, double value) {
  ClientMetric metric;
  metric.label = std::move(of);
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return metric;
}

ClientMetric sample(labels of, const histogram& values) {
  ClientMetric metric;
  metric.label = std::move(of);
  metric.histogram.sample_count = values.count();
  metric.histogram.sample_sum = values.sum_s();
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < histogram::bounds_s.size(); ++i) {
    cumulative += values.buckets()[i];
    metric.histogram.bucket.push_back({cumulative, histogram::bounds_s[i]});
  }
  return metric;
}

MetricFamily single(MetricType type, std::string name, std::string help, double value) {
  return {std::move(name), std::move(help), type, {sample({}, type, value)}};
}

void add_daemon(std::vector<MetricFamily>& to, const link::deployment_status& deployment,
                const process_status& process) {
  to.push_back({"mqtt_linkd_build_info",
                "The version that runs; always 1.",
                MetricType::Gauge,
                {sample({{"version", process.version}}, MetricType::Gauge, 1)}});
  to.push_back(single(MetricType::Gauge, "mqtt_linkd_broker_up",
                      "1 while connected to the local broker.", deployment.broker.up ? 1 : 0));
  to.push_back(single(MetricType::Counter, "mqtt_linkd_broker_sessions_lost_total",
                      "Times the local broker had lost our session: messages may be missing.",
                      as_number(deployment.broker.sessions_lost)));
  to.push_back(single(MetricType::Counter, "mqtt_linkd_messages_captured_total",
                      "Messages taken over from the local broker.",
                      as_number(deployment.messages_captured)));
  to.push_back(single(MetricType::Gauge, "mqtt_linkd_interest_complete",
                      "1 while what we ask for is what interest.source says; 0: it is `topics`.",
                      deployment.interest.complete ? 1 : 0));
  to.push_back(single(MetricType::Gauge, "mqtt_linkd_interest_local_filters",
                      "Filters that local clients are subscribed to, as far as they are followed.",
                      as_number(deployment.interest.local_filters)));
  to.push_back(single(MetricType::Gauge, "mqtt_linkd_capture_filters",
                      "Filters we are subscribed to at the local broker.",
                      as_number(deployment.capture_filters)));
  to.push_back({"mqtt_linkd_commit_seconds",
                "Time to get one captured batch onto the disk.",
                MetricType::Histogram,
                {sample({}, deployment.commit_time)}});
  to.push_back(single(MetricType::Gauge, "mqtt_linkd_config_last_reload_successful",
                      "1 if the last (re)load of the configuration was taken over.",
                      process.config_last_reload_successful ? 1 : 0));
  to.push_back(single(MetricType::Gauge, "mqtt_linkd_config_last_reload_timestamp_seconds",
                      "When the configuration was last (re)loaded.",
                      as_seconds(process.config_last_reload.time_since_epoch())));
  MetricFamily expiry{"mqtt_linkd_certificate_expiry_timestamp_seconds",
                      "End of a certificate's validity (notAfter).",
                      MetricType::Gauge,
                      {}};
  for (const auto& [file, not_after] : process.certificates) {
    expiry.metric.push_back(
        sample({{"file", file}}, MetricType::Gauge, as_seconds(not_after.time_since_epoch())));
  }
  to.push_back(std::move(expiry));
}

void add_links(std::vector<MetricFamily>& to, const std::vector<link_status>& links) {
  for (const auto& [type, name, help, value] : link_metrics) {
    MetricFamily family{name, help, type, {}};
    for (const auto& link : links)
      family.metric.push_back(sample(of_link(link), type, value(link)));
    to.push_back(std::move(family));
  }
  for (const auto& [type, name, help, in_and_out] : directed_metrics) {
    MetricFamily family{name, help, type, {}};
    for (const auto& link : links) {
      const auto [in, out] = in_and_out(link);
      family.metric.push_back(sample(of_link(link, "direction", "in"), type, as_number(in)));
      family.metric.push_back(sample(of_link(link, "direction", "out"), type, as_number(out)));
    }
    to.push_back(std::move(family));
  }
  MetricFamily states{"mqtt_linkd_link_state",
                      "1 for the state the link is in, 0 for the others.",
                      MetricType::Gauge,
                      {}};
  MetricFamily drops{"mqtt_linkd_messages_dropped_total",
                     "Messages given up, by reason.",
                     MetricType::Counter,
                     {}};
  MetricFamily latency{"mqtt_linkd_delivery_latency_seconds",
                       "From capture to the peer's acknowledgement.",
                       MetricType::Histogram,
                       {}};
  for (const auto& link : links) {
    for (const auto state : link::all_link_states) {
      states.metric.push_back(sample(of_link(link, "state", to_string(state)), states.type,
                                     link.state == state ? 1 : 0));
    }
    for (const auto reason : link::all_drop_reasons) {
      const auto count = link.counters.dropped[static_cast<std::size_t>(reason)];
      drops.metric.push_back(
          sample(of_link(link, "reason", to_string(reason)), drops.type, as_number(count)));
    }
    latency.metric.push_back(sample(of_link(link), link.counters.delivery_latency));
  }
  to.push_back(std::move(states));
  to.push_back(std::move(drops));
  to.push_back(std::move(latency));
}

}  // namespace

std::string metrics_text(const link::deployment_status& deployment, const process_status& process) {
  std::vector<MetricFamily> families;
  add_daemon(families, deployment, process);
  add_links(families, deployment.links);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace linkd::admin

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/bench/latency_histogram.hpp"
#include "tests/bench/payload.hpp"

namespace linkd::bench {

struct load_settings {
  std::uint16_t publish_port = 0;              // of 127.0.0.1
  std::vector<std::uint16_t> subscribe_ports;  // a subscriber each
  std::string topic = "bench";                 // published to TOPIC/0, TOPIC/1 ...
  std::size_t topics = 16;
  std::uint8_t qos = 1;
  std::size_t size_bytes = 200;
  payload_kind kind = payload_kind::json;
  std::size_t unwanted = 0;     // messages to bench/unwanted for each that counts
  double rate = 0;              // messages a second; 0: as many as go through
  std::size_t window = 1000;    // QoS 1 publishes without an acknowledgement, at most 30,000
  std::size_t outstanding = 0;  // published and not yet arrived; 0: any number
  std::chrono::milliseconds warmup{1000};  // before what is measured
  std::chrono::milliseconds measured{5000};
  // For the first message, and at the end without any more.
  std::chrono::milliseconds patience{10000};
};

// Of all subscribers together. `arrived` counts every message once a subscriber.
struct load_result {
  std::uint64_t published = 0;
  std::uint64_t arrived = 0;
  std::uint64_t missing = 0;
  std::uint64_t repeated = 0;
  std::uint64_t late = 0;  // arrived after one that was published later
  double measured_s = 0;
  std::uint64_t measured_arrivals = 0;  // within measured_s
  latency_histogram latency;            // of what was published while measured
};

enum class load_phase { measuring, measured };

// Publishes at one broker and subscribes at others, both in the calling thread, until all has
// arrived. First it waits until a message gets through. `on_phase` is called as the measured time
// begins and ends. Throws std::system_error and std::runtime_error.
load_result run_load(const load_settings& settings,
                     const std::function<void(load_phase)>& on_phase);

}  // namespace linkd::bench

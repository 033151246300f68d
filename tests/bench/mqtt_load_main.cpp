// mqtt_load NAME=VALUE...: publishes at one broker, subscribes at others, measures what comes
// through. Prints `measuring` and `measured` as the measured time begins and ends, then the result
// as one line of JSON. load.hpp says what the settings mean:
//
//   publish=PORT subscribe=PORT,PORT... topic=bench topics=16 qos=1 size=200
//   payload=json|binary|random unwanted=0 rate=0 window=1000 outstanding=0 warmup_ms=1000
//   measured_ms=5000 patience_ms=10000
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "tests/bench/load.hpp"

namespace {

using namespace linkd::bench;

std::uint64_t number(const std::string& text) {
  return std::stoull(text);
}

void set(load_settings& settings, const std::string& name, const std::string& value) {
  if (name == "publish") {
    settings.publish_port = static_cast<std::uint16_t>(number(value));
  } else if (name == "subscribe") {
    std::istringstream list(value);
    for (std::string port; std::getline(list, port, ',');) {
      settings.subscribe_ports.push_back(static_cast<std::uint16_t>(number(port)));
    }
  } else if (name == "topic") {
    settings.topic = value;
  } else if (name == "topics") {
    settings.topics = number(value);
  } else if (name == "qos") {
    settings.qos = static_cast<std::uint8_t>(number(value));
  } else if (name == "size") {
    settings.size_bytes = number(value);
  } else if (name == "payload") {
    settings.kind = payload_kind_from(value).value();
  } else if (name == "rate") {
    settings.rate = std::stod(value);
  } else if (name == "unwanted") {
    settings.unwanted = number(value);
  } else if (name == "window") {
    settings.window = number(value);
  } else if (name == "outstanding") {
    settings.outstanding = number(value);
  } else if (name == "warmup_ms") {
    settings.warmup = std::chrono::milliseconds(number(value));
  } else if (name == "measured_ms") {
    settings.measured = std::chrono::milliseconds(number(value));
  } else if (name == "patience_ms") {
    settings.patience = std::chrono::milliseconds(number(value));
  } else {
    throw std::invalid_argument("no such setting: " + name);
  }
}

load_settings parse(int argc, char** argv) {
  load_settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto at = argument.find('=');
    if (at == std::string::npos) throw std::invalid_argument("not NAME=VALUE: " + argument);
    set(settings, argument.substr(0, at), argument.substr(at + 1));
  }
  if (settings.publish_port == 0 || settings.subscribe_ports.empty() || settings.qos > 1) {
    throw std::invalid_argument("publish and subscribe must be set, and qos 0 or 1");
  }
  return settings;
}

void print(const load_result& result) {
  const auto ms = [&](double share) {
    return static_cast<double>(result.latency.quantile_us(share)) / 1000;
  };
  std::cout << "{\"published\": " << result.published << ", \"arrived\": " << result.arrived
            << ", \"missing\": " << result.missing << ", \"repeated\": " << result.repeated
            << ", \"late\": " << result.late << ", \"measured_s\": " << result.measured_s
            << ", \"measured_arrivals\": " << result.measured_arrivals
            << ", \"p50_ms\": " << ms(0.5) << ", \"p99_ms\": " << ms(0.99)
            << ", \"p999_ms\": " << ms(0.999)
            << ", \"max_ms\": " << static_cast<double>(result.latency.max_us()) / 1000 << "}"
            << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const load_settings settings = parse(argc, argv);
    print(run_load(settings, [](load_phase phase) {
      std::cout << (phase == load_phase::measuring ? "measuring" : "measured") << std::endl;
    }));
  } catch (const std::exception& failed) {
    std::cerr << "mqtt_load: " << failed.what() << '\n';
    return 1;
  }
}

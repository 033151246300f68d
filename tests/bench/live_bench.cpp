#include <benchmark/benchmark.h>
#include <malloc.h>

#include <string>

#include "live/session_tracker.hpp"

// Goal: following the log of a mosquitto with 100,000 subscriptions of which 1,000 change in a
// second is a small part of one core. An iteration is one line. The argument is the number of
// clients, each with ten subscriptions.

using namespace linkd::live;

namespace {

std::string filter_of(std::uint64_t client, std::uint64_t number) {
  return "fleet/" + std::to_string(client % 500) + "/truck/" + std::to_string(client) + "/" +
         std::to_string(number);
}

void follow_log(benchmark::State& state) {
  const auto clients = static_cast<std::uint64_t>(state.range(0));
  const std::size_t before = mallinfo2().uordblks;
  session_tracker tracker("mqtt-linkd-a", "$LINK", false);
  const auto line = [&](log_kind kind, const std::string& text) {
    tracker.apply(parse_log_line(kind, "1795361914: " + text));
  };
  const auto name = [](std::uint64_t client) { return "truck-" + std::to_string(client); };
  for (std::uint64_t client = 0; client < clients; ++client) {
    line(log_kind::notice,
         "New client connected from 127.0.0.1:53840 as " + name(client) + " (p5, c1, k60).");
    for (std::uint64_t number = 0; number < 10; ++number) {
      line(log_kind::subscribe, name(client) + " 1 " + filter_of(client, number));
    }
  }
  static_cast<void>(tracker.take_difference());
  state.counters["heap_MiB"] =
      static_cast<double>(mallinfo2().uordblks - before) / (1024.0 * 1024.0);

  std::uint64_t step = 0;
  for (auto _ : state) {
    const std::uint64_t client = step / 2 % clients;
    if (step % 2 == 0) {
      line(log_kind::unsubscribe, name(client) + " " + filter_of(client, 3));
    } else {
      line(log_kind::subscribe, name(client) + " 1 " + filter_of(client, 3));
    }
    if (++step % 10 == 0) benchmark::DoNotOptimize(tracker.take_difference());
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(follow_log)->Arg(100)->Arg(10'000);

}  // namespace

BENCHMARK_MAIN();

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <random>
#include <string>
#include <vector>

#include "interest/interest_table.hpp"
#include "mqtt_linkd/limits.hpp"
#include "topic/filter_trie.hpp"
#include "topic/topic.hpp"

// Goal: a match over 100,000 filters costs under 2 µs, and memory stays small. The argument of each
// benchmark is the number of filters.

using namespace linkd;

namespace {

constexpr std::size_t sites = 40;
constexpr std::size_t devices = 1000;  // a site
const char* const values[] = {"temperature", "humidity", "state", "alarm"};

class generator {
 public:
  std::string name() {
    return "site/" + any(sites) + "/device/" + any(devices) + "/" + values[random_() % 4];
  }
  // Of 20: 15 exact, 2 with `+` for a device, 1 with `+` in front, 2 with `#`.
  std::string filter() {
    switch (random_() % 20) {
      case 0:
      case 1:
        return "site/" + any(sites) + "/device/+/" + values[random_() % 4] + "/" + any(devices);
      case 2:
        return "+/" + any(sites) + "/device/" + any(devices) + "/" + values[random_() % 4];
      case 3:
      case 4:
        return "site/" + any(sites) + "/device/" + any(devices) + "/#";
      default:
        return name();
    }
  }
  std::vector<std::string> filters(std::size_t count) {
    std::vector<std::string> made(count);
    for (auto& each : made) each = filter();
    return made;
  }

 private:
  std::string any(std::size_t bound) { return std::to_string(random_() % bound); }
  std::mt19937 random_{1};
};

std::size_t heap_bytes() {
  return mallinfo2().uordblks;
}

void trie_match(benchmark::State& state) {
  generator make;
  const auto filters = make.filters(static_cast<std::size_t>(state.range(0)));
  const auto before = heap_bytes();
  topic::filter_trie<std::size_t> trie;
  for (std::size_t i = 0; i < filters.size(); ++i) trie.insert(filters[i], i % limits::links_max);
  state.counters["bytes_per_filter"] =
      static_cast<double>(heap_bytes() - before) / static_cast<double>(trie.size());

  std::vector<std::string> names(4096);
  for (auto& name : names) name = make.name();
  std::vector<std::size_t> found;
  std::size_t next = 0, total = 0;
  for (auto _ : state) {
    found.clear();
    trie.match(names[next++ % names.size()], found);
    total += found.size();
  }
  state.counters["found"] =
      benchmark::Counter(static_cast<double>(total), benchmark::Counter::kAvgIterations);
}

void trie_change(benchmark::State& state) {
  generator make;
  topic::filter_trie<std::size_t> trie;
  for (const auto& filter : make.filters(static_cast<std::size_t>(state.range(0)))) {
    trie.insert(filter, 0);
  }
  for (auto _ : state) {
    const auto filter = make.filter();
    trie.insert(filter, 1);
    trie.erase(filter, 1);
  }
}

void minimal_union(benchmark::State& state) {
  const auto filters = generator().filters(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(topic::minimal_union(filters));
}

void disjoint_cover(benchmark::State& state) {
  const auto filters = generator().filters(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(topic::disjoint_cover(filters));
}

// A peer's delta of one filter: the price of replacing a link's part of the table.
void interest_change(benchmark::State& state) {
  const auto filters =
      topic::minimal_union(generator().filters(static_cast<std::size_t>(state.range(0))));
  auto more = filters;
  more.push_back("~");
  interest::interest_table table;
  for (auto _ : state) {
    table.set(0, filters);
    table.set(0, more);
  }
}

}  // namespace

BENCHMARK(trie_match)->Arg(1'000)->Arg(100'000);
BENCHMARK(trie_change)->Arg(1'000)->Arg(100'000);
BENCHMARK(minimal_union)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(disjoint_cover)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK(interest_change)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK_MAIN();

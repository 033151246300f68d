#include <benchmark/benchmark.h>
#include <malloc.h>

#include <string>

#include "interest/announcement.hpp"
#include "interest/interest_table.hpp"
#include "interest/narrowing.hpp"
#include "interest/peer_view.hpp"

// Goal: 100,000 live subscriptions that change 1,000 times a second cost a small part of one core
// and bounded memory. The argument is the number of subscriptions; an iteration is one change, and
// after every tenth (what 10 ms bring) the announcement follows.

using namespace linkd;

namespace {

constexpr int changes_an_announcement = 10;

std::string filter(std::uint64_t number) {
  return "fleet/" + std::to_string(number % 500) + "/truck/" + std::to_string(number) + "/" +
         (number % 20 == 0  ? "#"
          : number % 7 == 0 ? "+"
                            : "position");
}

void churn(benchmark::State& state, std::vector<std::string> topics) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  const std::size_t before = mallinfo2().uordblks;
  interest::local_view local{true, {}, seconds(10)};
  for (std::uint64_t i = 0; i < count; ++i) local.filters.insert(filter(i));
  interest::narrowing narrowed(std::move(topics), local);
  time_point now{};
  narrowed.on_time(now);
  interest::announcement announced;
  const auto announce = [&] {
    narrowed.on_time(now);
    const auto [added, removed] = narrowed.take_difference();
    benchmark::DoNotOptimize(announced.apply(added, removed));
  };
  announce();
  state.counters["heap_MiB"] =
      static_cast<double>(mallinfo2().uordblks - before) / (1024.0 * 1024.0);
  state.counters["announced"] = static_cast<double>(announced.filters().size());

  std::uint64_t next = count;
  int changes = 0;
  for (auto _ : state) {
    now += milliseconds(1);
    const std::string gone = *local.filters.begin();
    local.filters.erase(local.filters.begin());
    narrowed.remove(gone, now);
    const std::string fresh = filter(next++);
    if (local.filters.insert(fresh).second) narrowed.add(fresh);
    if (++changes % changes_an_announcement == 0) announce();
  }
  state.SetItemsProcessed(state.iterations());
}

void churn_everything(benchmark::State& state) {
  churn(state, {"#"});
}
void churn_part(benchmark::State& state) {
  churn(state, {"fleet/1/#", "fleet/2/#", "fleet/+/truck/+/position/#"});
}

// Above the limit: the first summary, and a client that subscribes to `#` and leaves.
void subscribe_to_all(benchmark::State& state) {
  interest::local_view local{true, {}, seconds(0)};
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(state.range(0)); ++i) {
    local.filters.insert(filter(i));
  }
  interest::narrowing narrowed({"#"}, local);
  time_point now{};
  narrowed.on_time(now);
  for (auto _ : state) {
    local.filters.insert("#");
    narrowed.add("#");
    local.filters.erase("#");
    narrowed.remove("#", now);
    narrowed.on_time(now);
  }
}

// What an update costs the peer that captures for us: it looks at all filters, after a pause of
// 10 ms and 50 µs for each.
void receive_update(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  interest::peer_view view;
  interest::interest_table table;
  std::vector<std::string> all;
  for (std::uint64_t i = 0; i < count; ++i) all.push_back(filter(i));
  view.restore(all);
  std::uint64_t version = 0;
  for (auto _ : state) {
    const std::uint64_t turn = version++;
    benchmark::DoNotOptimize(view.delta(version, {filter(count + turn)}, {filter(turn)}));
    table.set(0,
              interest::effective_filters({view.filters().begin(), view.filters().end()}, {"#"}));
    benchmark::DoNotOptimize(table.capture());
  }
}

BENCHMARK(receive_update)->Arg(1000)->Arg(10'000);
BENCHMARK(churn_everything)->Arg(1000)->Arg(9000)->Arg(100'000);
BENCHMARK(churn_part)->Arg(1000)->Arg(100'000);
BENCHMARK(subscribe_to_all)->Arg(1000)->Arg(9000)->Arg(100'000);

}  // namespace

BENCHMARK_MAIN();

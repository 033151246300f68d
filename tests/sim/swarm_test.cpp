#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

#include "tests/sim/ledger.hpp"
#include "tests/sim/site.hpp"

// Whole daemons under random faults, one seed a world. First safety, with faults; then everything
// heals and all that was published must arrive: nothing lost, nothing overtaken, repeated only what
// a fault explains. LINKD_SIM_SEED=N runs that seed alone; LINKD_SIM_SEEDS=N runs more of them.
using namespace linkd;
using namespace linkd::sim;

namespace {

enum fault {
  reset,
  partition,
  partition_one_way,
  network_faults,  // so many
  kill_process = network_faults,
  lose_power,
  stop_process,
  crash_process,
  drop_broker,
  stop_broker,
  disk_full,
  disk_error,
  disk_lost,
  fault_count
};

struct swarm {
  explicit swarm(std::uint64_t seed) : in(seed), net(in) {
    const std::size_t count = 2 + in.random().below(2);
    for (std::size_t i = 0; i < count; ++i) {
      sites.push_back(std::make_unique<site>(in, net, std::string(1, static_cast<char>('a' + i))));
    }
    for (auto& each : sites) {
      std::vector<link_settings> links;
      for (auto& peer : sites) {
        if (peer == each) continue;
        const bool dials = in.chance(70) || each->name() < peer->name();
        links.push_back(
            link_to(each->name(), peer->name(), {"all/#", "for/" + each->name() + "/+"}, dials));
        links.back().compression = in.chance(50) ? compression_kind::zstd : compression_kind::none;
      }
      each->configure(links);
    }
    // Some worlds have a bad network only: there nothing may be repeated at all.
    const int kinds = in.chance(25) ? network_faults : fault_count;
    for (int kind = 0; kind < kinds; ++kind) {
      if (in.chance(60)) faults.push_back(static_cast<fault>(kind));
    }
    for (auto& each : sites) {
      if (in.chance(40)) each->set_disk_delay(milliseconds(200));
    }
    net.set_data_reordering(in.chance(50));
  }

  bool all_up() const {
    return std::all_of(sites.begin(), sites.end(),
                       [](const auto& each) { return each->all_links_up(); });
  }

  void inject() {
    if (faults.empty()) return;
    // Faults hurt most in the middle of a burst.
    if (in.chance(70)) {
      site& busy = *sites[in.random().below(sites.size())];
      for (std::uint64_t left = in.random().below(80); left > 0; --left) publish(busy);
      in.run_for(in.between(microseconds(0), milliseconds(150)));
    }
    site& one = *sites[in.random().below(sites.size())];
    site& two = *sites[in.random().below(sites.size())];
    const fault kind = faults[in.random().below(faults.size())];
    in.note("fault " + std::to_string(kind) + " at " + one.name() + ", " + two.name());
    switch (kind) {
      case fault::reset:
      case fault::partition:
      case fault::partition_one_way:
        return disturb_network(kind, one, two);
      case fault::kill_process:
      case fault::lose_power:
      case fault::stop_process:
        return end_process(kind, one);
      case fault::crash_process:
        return crash_process_soon(one);
      case fault::drop_broker:
      case fault::stop_broker:
        return disturb_broker(kind, one);
      default:
        return disturb_disk(kind, one);
    }
  }

  void disturb_network(fault kind, site& one, site& two) {
    if (kind == fault::reset) return net.reset(one.name(), two.name());
    if (&one == &two) return;
    if (kind == fault::partition) {
      net.partition(one.name(), two.name());
    } else {
      net.partition_one_way(one.name(), two.name());
    }
    in.after(in.between(milliseconds(100), seconds(60)),
             [this, &one, &two] { net.heal(one.name(), two.name()); });
  }

  void end_process(fault kind, site& one) {
    if (!one.running()) return;
    if (kind == fault::kill_process) one.kill();
    if (kind == fault::lose_power) one.lose_power();
    if (kind == fault::stop_process) one.stop();
    ++crashes;
    // Less than queue.max_age and interest_expiry, whatever the clock was before.
    one.set_wall_offset(milliseconds(in.random().below(3 * 24 * 3'600'000)));
    in.after(in.between(seconds(kind == fault::stop_process ? 6 : 0), seconds(20)), [&one] {
      if (!one.running()) one.start();
    });
  }

  // Whatever the daemon has in hand by then is not to blame.
  void crash_process_soon(site& one) {
    ++crashes;
    one.on_take = [&one, left = in.random().below(100)](const queue_records&) mutable {
      if (left-- == 0) one.crash();
    };
    in.after(in.between(milliseconds(1), seconds(20)), [&one] { one.on_take = nullptr; });
  }

  void disturb_broker(fault kind, site& one) {
    ++broker_losses;
    if (kind == fault::drop_broker) return one.broker().drop_connection();
    one.broker().set_running(false);
    in.after(in.between(milliseconds(1), seconds(10)), [&one] { one.broker().set_running(true); });
  }

  // Capture stops and comes back; over several links a batch may be kept for one and come again.
  void disturb_disk(fault kind, site& one) {
    ++disk_faults;
    const std::string queue =
        "links/" + (&one == sites[0].get() ? sites[1] : sites[0])->name() + "/queue";
    if (kind == fault::disk_full) one.disk().set_free_bytes(in.random().below(100'000));
    if (kind == fault::disk_lost) one.disk().set_lost(queue, true);
    if (kind == fault::disk_error) {
      const auto code = in.chance(50) ? errc::io : errc::no_space;
      one.disk().fail({in.random().below(20), code, in.chance(50), std::nullopt});
    }
    in.after(in.between(milliseconds(1), seconds(20)), [&one, queue] {
      one.disk().set_free_bytes(std::nullopt);
      one.disk().set_lost(queue, false);
      one.disk().heal();
    });
  }

  void publish(site& at) {
    const site& target = *sites[in.random().below(sites.size())];
    if (!at.broker().running()) return;
    // Of those nobody keeps account; but they do not come again with the rest of their batch.
    if (in.chance(20)) at.broker().publish({"all/x", "nobody:0", 0, false, {}});
    if (in.chance(50)) {
      const std::uint64_t number = at.publish("all/x");
      for (auto& each : sites) {
        if (each.get() != &at) expected[{at.name(), each->name()}].push_back(number);
      }
    } else {
      const std::uint64_t number = at.publish("for/" + target.name() + "/y");
      if (&target != &at) expected[{at.name(), target.name()}].push_back(number);
    }
  }

  void run() {
    for (auto& each : sites) each->start();
    REQUIRE(in.run_until([&] { return all_up(); }, seconds(120)));
    in.run_for(seconds(1));
    for (int i = 0; i < 600; ++i) {
      if (in.chance(8)) inject();
      const std::uint64_t burst = in.chance(5) ? in.random().below(100) : 1;
      site& at = *sites[in.random().below(sites.size())];
      for (std::uint64_t k = 0; k < burst; ++k) publish(at);
      in.run_for(in.between(microseconds(100), milliseconds(300)));
    }
    heal();
    check();
  }

  void heal() {
    in.note("healed");
    in.run_for(seconds(60));  // every fault has its own end by now
    net.heal_all();
    for (auto& each : sites) {
      each->broker().set_running(true);
      if (!each->running()) each->start();
    }
    CHECK(in.run_until([&] { return all_up(); }, seconds(180)));
    in.run_until(
        [&] {
          return std::all_of(expected.begin(), expected.end(), [&](const auto& each) {
            return judge(*find(each.first.first), *find(each.first.second), each.second).complete();
          });
        },
        seconds(180));
    in.run_for(seconds(30));
  }

  void check() {
    std::uint64_t repeated = 0;
    for (const auto& [way, numbers] : expected) {
      const verdict what = judge(*find(way.first), *find(way.second), numbers);
      INFO(way.first << " -> " << way.second << ": " << to_string(what));
      CHECK(what.lost == 0);
      CHECK(what.overtaken == 0);
      CHECK(what.unwanted == 0);
      repeated += what.repeated;
    }
    // One window per fault, at each site that captures or publishes for it.
    CHECK(repeated <= (crashes + broker_losses + disk_faults) * 160 * sites.size());
    for (auto& each : sites) {
      if (disk_faults == 0) CHECK(each->errors() == std::vector<std::string>{});
      for (const link::link_status& one : each->status().links) {
        INFO(each->name() << " -> " << one.name);
        CHECK(one.queue_messages == 0);
        for (const auto reason : link::all_drop_reasons) {
          INFO(link::to_string(reason));
          CHECK(one.counters.dropped[static_cast<std::size_t>(reason)] == 0);
        }
      }
    }
  }

  site* find(const std::string& name) {
    return std::find_if(sites.begin(), sites.end(),
                        [&](const auto& each) { return each->name() == name; })
        ->get();
  }

  world in;
  sim_network net;
  std::vector<std::unique_ptr<site>> sites;
  std::vector<fault> faults;
  std::map<std::pair<std::string, std::string>, std::vector<std::uint64_t>> expected;
  std::uint64_t crashes = 0, broker_losses = 0, disk_faults = 0;
};

std::uint64_t environment_number(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value ? std::stoull(value) : otherwise;
}

void run_seed(std::uint64_t seed) {
  swarm all(seed);
  INFO("LINKD_SIM_SEED=" << seed);
  all.run();
}

}  // namespace

TEST_CASE("swarm: under random faults nothing is lost or overtaken", "[sim]") {
  if (const std::uint64_t only = environment_number("LINKD_SIM_SEED", 0)) {
    swarm all(only);
    all.run();
    WARN(all.in.story());
    return;
  }
  const std::uint64_t seeds = environment_number("LINKD_SIM_SEEDS", 500);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    run_seed(seed);
    if (seed % 500 == 0) std::cout << seed << " seeds" << std::endl;
  }
}

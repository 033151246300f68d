#pragma once

#include "mqtt_linkd/ports/broker.hpp"
#include "mqtt_linkd/ports/clock.hpp"
#include "mqtt_linkd/ports/crash_journal.hpp"
#include "mqtt_linkd/ports/log.hpp"
#include "mqtt_linkd/ports/random.hpp"
#include "mqtt_linkd/ports/storage.hpp"
#include "mqtt_linkd/ports/subscription_source.hpp"
#include "mqtt_linkd/ports/transport.hpp"
#include "mqtt_linkd/ports/worker.hpp"

namespace linkd::link {

// The doors to the world, as the daemon (or the simulator) built them. They outlive everything
// here.
struct environment {
  clock& time;
  random_source& random;
  logger& log;
  storage& disk;
  worker& background;
  broker& local_broker;
  dialer& dial;
  subscription_source& subscriptions;
  crash_journal& crashes;
};

}  // namespace linkd::link
